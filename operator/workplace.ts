/** What the commands work on, for real: of one stack, from its environments. */
import { systemClock as clock } from '../core/ports/clock.ts'
import { noMeter } from '../core/ports/meter.ts'
import { createDatabase } from '../db/postgres/client.ts'
import { createIndexedNonces } from '../db/postgres/indexed-nonces.ts'
import { parseRelayConfig } from '../functions/config/functions.ts'
import { type Environment, parseConfig } from '../functions/config/parse.ts'
import { placements } from '../functions/config/placements.ts'
import { database } from '../functions/config/postgres.ts'
import { units } from '../functions/config/units.ts'
import { openPlacements } from '../functions/wiring/placements.ts'
import { createRelayParts } from '../functions/wiring/relay.ts'
import { allSinks } from '../functions/wiring/sinks.ts'
import type { Workplace } from './command.ts'
import type { Environments } from './environments.ts'
import { createProgress } from './progress.ts'
import { openRestore } from './restore-deps.ts'
import { openAudit, openGateway, openLocation, openPlacementsOf, openUnit } from './unit-stores.ts'

/** Counting rows takes longer than anything that a function asks. */
const COUNT_TIMEOUT_MS = 60_000

/** @param environments read when a command asks for something */
export function createWorkplace(environments: Environments): Workplace {
  const { unit, anyUnit, router, address, distributions, hint } = environments
  const relayParts = (where: string | undefined) => {
    Object.assign(process.env, unit(where))
    const config = parseRelayConfig(process.env)
    // What the relay would log, the command prints.
    return createRelayParts(config, { sinks: allSinks(config.postgres), meter: noMeter, log: { warn() {} } })
  }
  return {
    uploads: relayParts,
    segments: (where) => relayParts(where).packing,
    placements: () => openPlacements(parseConfig(useCredentials(router()), { placements }).placements),
    placementsOf: (where) => openPlacementsOf(useCredentials(unit(where))),
    listedUnits() {
      const env = router()
      const listed = env.SCHEDULER_LIST !== undefined || env.SCHEDULER_LIST_PATH !== undefined
      return listed ? parseConfig(env, { units }).units : []
    },
    unit: async (where) => openUnit(useCredentials(unit(where))),
    audit: async ({ where, uploads }) => openAudit(useCredentials(unit(where)), uploads),
    gateway: (where) => openGateway(unit(where)),
    location: async (where) => openLocation(useCredentials(anyUnit(where)), address()),
    metadata(where) {
      const parts = relayParts(where)
      const { url, proxyUrl } = parseConfig(process.env, { database }).database
      return {
        ...parts,
        nonces: createIndexedNonces(createDatabase({ url: url.reveal(), proxyUrl, timeoutMs: COUNT_TIMEOUT_MS })),
      }
    },
    restore: async (where) => openRestore(useCredentials(unit(where))),
    distributions,
    clock,
    print: (line) => {
      process.stdout.write(`${line}\n`)
    },
    complain: (line) => {
      process.stderr.write(`${line}\n`)
    },
    progress: (what) =>
      createProgress({ write: (text) => process.stderr.write(text), terminal: process.stderr.isTTY, what }),
    interruption() {
      const controller = new AbortController()
      process.once('SIGINT', () => controller.abort())
      return controller.signal
    },
    hint,
  }
}

/** AWS's clients read their credentials from the process's environment. Regions are each client's own. */
function useCredentials<T extends Environment>(env: T): T {
  for (const [name, value] of Object.entries(env)) if (name.startsWith('AWS_')) process.env[name] ??= value
  return env
}
