/** Where the commands find what they work on: the environment that the running local stack gave its functions. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from './command.ts'
import { readEnvironment } from './environment-file.ts'

const dirOf = (env: NodeJS.ProcessEnv): string => env.STATE_DIR || '.local'

/**
 * The variables in `{STATE_DIR}/env.json`, which the local stack writes when it starts, over those of `env`. Where there
 * is none, `env` alone: that is how the commands work on a stack that runs elsewhere.
 */
export const stackEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  ...readEnvironment(join(dirOf(env), 'env.json')),
})

/** The router's: the variables in `{STATE_DIR}/router/env.json`, where there is such a file, else those of the stack. */
export function routerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const router = readEnvironment(join(dirOf(env), 'router', 'env.json'))
  return router ? { ...env, ...router } : stackEnvironment(env)
}

/** The one unit's. Fails with UsageError where several run, and none by itself. */
export function onlyUnitEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const [first] = runningUnits(env)
  if (first === undefined || env.HEADS_TABLE !== undefined || existsSync(join(dirOf(env), 'env.json'))) {
    return stackEnvironment(env)
  }
  const numbers = runningUnits(env).map((name) => name.slice('region-'.length))
  throw new UsageError(`Say which unit: --unit ${numbers.join(' or --unit ')}.`)
}

/** Folders of the units that run behind a router, by their numbers. */
export function runningUnits(env: NodeJS.ProcessEnv): string[] {
  const dir = dirOf(env)
  if (!existsSync(dir)) return []
  return readdirSync(dir)
    .filter((name) => /^region-\d+$/.test(name) && existsSync(join(dir, name, 'env.json')))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}

/**
 * A unit's: the variables in this file, or in the `env.json` of this folder, or of this folder in STATE_DIR (`region-1`, or
 * `1` for short). Nothing of `env` is taken along: of two units none must get what is the other's. Fails with UsageError where
 * there is no such file.
 */
export function unitEnvironment(env: NodeJS.ProcessEnv, where: string): NodeJS.ProcessEnv {
  const dir = dirOf(env)
  const files = [
    where,
    join(where, 'env.json'),
    join(dir, where, 'env.json'),
    ...(/^\d+$/.test(where) ? [join(dir, `region-${where}`, 'env.json')] : []),
  ]
  for (const file of files) {
    const found = readEnvironment(file)
    if (found) return found
  }
  throw new UsageError(`There is no environment of a unit at ${where}: name its env.json, or the folder of that.`)
}
