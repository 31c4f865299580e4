/** What each Lambda function needs to know, and nothing else. */
import { access, routerAccess } from './access.ts'
import { gateway, network } from './gateway.ts'
import { logging } from './logging.ts'
import { modeOf } from './mode.ts'
import { notices, routerNotices } from './notices.ts'
import { type Environment, parseConfig } from './parse.ts'
import { passOn } from './pass-on.ts'
import { ownPlacement, placements } from './placements.ts'
import { postgres } from './postgres.ts'
import { rules, signatures } from './rules.ts'
import { routerServing, serving } from './serving.ts'
import { heads, store } from './store.ts'
import { units } from './units.ts'
import { upload } from './upload.ts'
import { wallet } from './wallet.ts'

/** The scheduler unit itself. `notices` are sentences for the log. All of these throw a ConfigurationError. */
export const parseSuConfig = (env: Environment) =>
  parseConfig(env, {
    mode: modeOf('su'),
    logging,
    store,
    gateway,
    wallet,
    rules,
    access,
    placement: ownPlacement,
    serving,
    postgres,
    notices,
  })
export type SuConfig = ReturnType<typeof parseSuConfig>

/** The router in front of several units. */
export const parseRouterConfig = (env: Environment) =>
  parseConfig(env, {
    mode: modeOf('router'),
    logging,
    placements,
    units,
    passOn,
    signatures,
    access: routerAccess,
    serving: routerServing,
    notices: routerNotices,
  })
export type RouterConfig = ReturnType<typeof parseRouterConfig>

/** The one-off invocation that brings in what another system has. */
export const parseMigConfig = (env: Environment) => parseConfig(env, { logging, placements, units })
export type MigConfig = ReturnType<typeof parseMigConfig>

/** What happens after the commit: metadata, upload. */
export const parseRelayConfig = (env: Environment) => parseConfig(env, { logging, store, upload, postgres })
export type RelayConfig = ReturnType<typeof parseRelayConfig>

/** Finds what the relay has not finished, and has it looked at again. */
export const parseSweeperConfig = (env: Environment) => parseConfig(env, { logging, heads, postgres })
export type SweeperConfig = ReturnType<typeof parseSweeperConfig>

/** Writes the network's height down. */
export const parseHeightConfig = (env: Environment) => parseConfig(env, { logging, heads, network })
