/** Where the commands find what they work on: the environment that the running local stack gave its functions. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as v from 'valibot'

const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()))

/**
 * The variables in `{STATE_DIR}/env.json`, which the local stack writes when it starts, over those of `env`. Where there
 * is none, `env` alone: that is how the commands work on a stack that runs elsewhere.
 */
export function stackEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const file = join(env.STATE_DIR || '.local', 'env.json')
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return env
    throw error
  }
  const parsed = v.safeParse(schema, text)
  if (!parsed.success)
    throw new Error(`${file} is not what the local stack writes: remove it and start the stack again.`)
  return { ...env, ...parsed.output }
}
