/** Where the commands find what they work on: the environment that the running local stack gave its functions. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'
import { UsageError } from './command.ts'

const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()))

/**
 * The variables in `{STATE_DIR}/env.json`, which the local stack writes when it starts, over those of `env`. Where there
 * is none, `env` alone: that is how the commands work on a stack that runs elsewhere.
 */
export const stackEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  ...readEnvironment(join(env.STATE_DIR || '.local', 'env.json')),
})

/** The router's: the variables in `{STATE_DIR}/router/env.json`, where there is such a file, else those of the stack. */
export function routerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const router = readEnvironment(join(env.STATE_DIR || '.local', 'router', 'env.json'))
  return router ? { ...env, ...router } : stackEnvironment(env)
}

/**
 * A unit's: the variables in this file, or in the `env.json` of this folder, or of this folder in STATE_DIR (`region-1`). Nothing
 * of `env` is taken along: of two units none must get what is the other's. Fails with UsageError where there is no such file.
 */
export function unitEnvironment(env: NodeJS.ProcessEnv, where: string): NodeJS.ProcessEnv {
  const files = [where, join(where, 'env.json'), join(env.STATE_DIR || '.local', where, 'env.json')]
  for (const file of files) {
    const found = readEnvironment(file)
    if (found) return found
  }
  throw new UsageError(`There is no environment of a unit at ${where}: name its env.json, or the folder of that.`)
}

/** Undefined where there is no such file. */
function readEnvironment(file: string): Record<string, string> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_FILE.includes(String(error.code))) return undefined
    throw error
  }
  const parsed = v.safeParse(schema, text)
  if (parsed.success) return parsed.output
  throw new Error(`${file} is not what the local stack writes: remove it and start the stack again.`)
}

const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR']
