/** What each Lambda function needs to know, and nothing else. */
import { access, routerAccess } from './access.ts'
import { gateway, network } from './gateway.ts'
import { logging } from './logging.ts'
import { migration } from './migration.ts'
import { modeOf } from './mode.ts'
import { notices, routerNotices } from './notices.ts'
import { type Environment, type Group, parseConfig, wrongVariables } from './parse.ts'
import { passOn } from './pass-on.ts'
import { ownPlacement, placements } from './placements.ts'
import { database, postgres, postgresWriting } from './postgres.ts'
import { rules, signatures } from './rules.ts'
import { routerServing, serving } from './serving.ts'
import { heads, store, submissions } from './store.ts'
import { units } from './units.ts'
import { upload } from './upload.ts'
import { wallet } from './wallet.ts'

/** The groups of settings of each function, by its name in infra/functions.ts. */
const groups = {
  su: {
    mode: modeOf('su'),
    logging,
    store,
    submissions,
    gateway,
    wallet,
    rules,
    access,
    placement: ownPlacement,
    serving,
    postgres,
    notices,
  },
  router: {
    mode: modeOf('router'),
    logging,
    placements,
    units,
    passOn,
    signatures,
    access: routerAccess,
    serving: routerServing,
    notices: routerNotices,
  },
  migPlacements: { logging, placements, units },
  mig: { logging, store, gateway, placement: ownPlacement, migration },
  relay: { logging, store, upload, postgres: postgresWriting },
  packer: { logging, store },
  reconciler: { logging, store, upload, postgres: postgresWriting, gateway },
  height: { logging, heads, network },
  migrate: { logging, database },
} as const satisfies Record<string, Record<string, Group>>

/** The scheduler unit itself. `notices` are sentences for the log. All of these throw a ConfigurationError. */
export const parseSuConfig = (env: Environment) => parseConfig(env, groups.su)
export type SuConfig = ReturnType<typeof parseSuConfig>

/** The router in front of several units. */
export const parseRouterConfig = (env: Environment) => parseConfig(env, groups.router)
export type RouterConfig = ReturnType<typeof parseRouterConfig>

/** The one-off invocation that brings in what a Rust router has placed. */
export const parseMigPlacementsConfig = (env: Environment) => parseConfig(env, groups.migPlacements)
export type MigPlacementsConfig = ReturnType<typeof parseMigPlacementsConfig>

/** The one-off invocation that brings in a Rust unit's messages. */
export const parseMigConfig = (env: Environment) => parseConfig(env, groups.mig)
export type MigConfig = ReturnType<typeof parseMigConfig>

/** What happens after the commit: metadata, upload. */
export const parseRelayConfig = (env: Environment) => parseConfig(env, groups.relay)
export type RelayConfig = ReturnType<typeof parseRelayConfig>

/** Packs finished history into segments. */
export const parsePackerConfig = (env: Environment) => parseConfig(env, groups.packer)
export type PackerConfig = ReturnType<typeof parsePackerConfig>

/** Retries what the relay owes, and wakes what it left behind. */
export const parseReconcilerConfig = (env: Environment) => parseConfig(env, groups.reconciler)
export type ReconcilerConfig = ReturnType<typeof parseReconcilerConfig>

/** Writes the network's height down. */
export const parseHeightConfig = (env: Environment) => parseConfig(env, groups.height)
export type HeightConfig = ReturnType<typeof parseHeightConfig>

/** Brings the database's tables up to date. */
export const parseMigrateConfig = (env: Environment) => parseConfig(env, groups.migrate)
export type MigrateConfig = ReturnType<typeof parseMigrateConfig>

/** The variables that a function reads, so that whoever starts it gives it those and no others. */
export const variablesOf = (name: keyof typeof groups): string[] => [
  ...new Set(
    Object.values<Group>(groups[name]).flatMap((group) => ('entries' in group ? Object.keys(group.entries ?? {}) : [])),
  ),
]

/**
 * A sentence for each variable of a function that is set to what it can never be, for a start that checks early. Rules
 * between variables are for the function itself.
 */
export const problemsOf = (name: keyof typeof groups, env: Environment): string[] => wrongVariables(env, groups[name])
