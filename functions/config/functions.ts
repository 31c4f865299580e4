/** What each Lambda function needs to know, and nothing else. */
import { access } from './access.ts'
import { gateway, network } from './gateway.ts'
import { logging } from './logging.ts'
import { mode } from './mode.ts'
import { notices } from './notices.ts'
import { type Environment, parseConfig } from './parse.ts'
import { postgres } from './postgres.ts'
import { rules } from './rules.ts'
import { serving } from './serving.ts'
import { heads, store } from './store.ts'
import { upload } from './upload.ts'
import { wallet } from './wallet.ts'

/** The scheduler unit itself. `notices` are sentences for the log. All of these throw a ConfigurationError. */
export const parseSuConfig = (env: Environment) =>
  parseConfig(env, { mode, logging, store, gateway, wallet, rules, access, serving, postgres, notices })
export type SuConfig = ReturnType<typeof parseSuConfig>

/** What happens after the commit: metadata, upload. */
export const parseRelayConfig = (env: Environment) => parseConfig(env, { logging, store, upload, postgres })
export type RelayConfig = ReturnType<typeof parseRelayConfig>

/** Finds what the relay has not finished, and has it looked at again. */
export const parseSweeperConfig = (env: Environment) => parseConfig(env, { logging, heads, postgres })
export type SweeperConfig = ReturnType<typeof parseSweeperConfig>

/** Writes the network's height down. */
export const parseHeightConfig = (env: Environment) => parseConfig(env, { logging, heads, network })
