/** Where the migration finds the router that it works for. */
import { join } from 'node:path'
import { stackEnvironment } from '../stack-environment.ts'

/**
 * The variables in `{STATE_DIR}/router/env.json`, which the local stack with several regions writes, over those of `env`. Where
 * there is none, `env` alone: that is how it works for a router that runs elsewhere.
 */
export function routerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { STATE_DIR: _, ...router } = stackEnvironment({ ...env, STATE_DIR: join(env.STATE_DIR || '.local', 'router') })
  return router
}
