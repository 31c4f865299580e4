/**
 * The database of metadata as the functions reach it: one of the stack's own, or the one that DATABASE_URL names. Neon's protocol is put
 * in front of whatever is not Neon.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { sqlState } from '../db/postgres/failures.ts'
import { migrate } from '../db/postgres/migrate.ts'
import { startNeonProxy } from './postgres/neon-proxy.ts'
import { startPostgres } from './postgres/server.ts'
import type { Keeper } from './processes/keeper.ts'
import { StartError } from './start-error.ts'

export interface Database {
  /** DATABASE_URL and what else functions need to reach it. */
  variables: Record<string, string>
  /** What is said of it when the stack is up. */
  description: string
  /** Ends the stack's own Postgres, and starts it again where it was: what a test does to see it missed. */
  own?: { stop(): Promise<void>; start(): Promise<void> }
  stop(): Promise<void>
}

export interface DatabaseOptions {
  stateDir: string
  /** Configuration variables as given. */
  variables: Readonly<Record<string, string>>
  ports: { postgres?: number | undefined; neon?: number | undefined }
  keeper: Keeper
  log(message: string): void
}

/** How long the start waits for the tables of a database that is not the stack's own, ms; then they are made in the background. */
const patienceMs = 5_000
const retryMs = 10_000

/** Postgres answers, and will not let this DATABASE_URL in: SQLSTATE of a wrong user or password, or of no such database. */
const refusesEntry = (error: unknown): boolean => /^(28|3D000)/.test(sqlState(error) ?? '')

/** Fails with StartError where a database that is given refuses user, password or database. */
export const openDatabase = async (options: DatabaseOptions): Promise<Database> => {
  const { variables, ports, stateDir, keeper, log } = options
  const { DATABASE_URL: given, DATABASE_READ_URL: forReads, NEON_PROXY_URL: proxyGiven } = variables
  const port = ports.postgres === undefined ? {} : { port: ports.postgres }
  let own = given === undefined ? await startPostgres({ dir: stateDir, keeper, ...port }) : undefined
  const url = given ?? own?.url ?? ''
  const needsProxy = proxyGiven === undefined && [url, forReads ?? url].some((one) => !isNeon(one))
  const neonPort = ports.neon === undefined ? {} : { port: ports.neon }
  const proxy = needsProxy ? await startNeonProxy({ databaseUrl: url, ...neonPort }) : undefined
  const proxyUrl = proxyGiven ?? proxy?.url

  const stopping = new AbortController()
  const stop = async (): Promise<void> => {
    stopping.abort()
    await proxy?.stop()
    await own?.stop()
  }
  const migrated = keepMigrating(url, proxyUrl, stopping.signal, log)
  try {
    // Metadata is never on the way of a message: a database that is away does not keep the unit from starting.
    await Promise.race([migrated, ...(own ? [] : [sleep(patienceMs, undefined, { ref: false })])])
  } catch (error) {
    await stop()
    throw error
  }
  migrated.catch((error: unknown) => log(String(error)))

  const shown = new URL(url).host + new URL(url).pathname
  return {
    variables: {
      DATABASE_URL: url,
      ...(forReads === undefined ? { DATABASE_READ_URL: url } : {}),
      ...(proxyUrl === undefined ? {} : { NEON_PROXY_URL: proxyUrl }),
    },
    description: `${own ? `postgres://postgres@${shown}` : shown}${proxyUrl === undefined ? '' : `; the functions reach it over HTTP, as at Neon, through ${proxyUrl}`}`,
    ...(own && {
      own: {
        stop: async () => own?.stop(),
        start: async () => {
          own = await startPostgres({ dir: stateDir, keeper, port: Number(new URL(url).port) })
        },
      },
    }),
    stop,
  }
}

const isNeon = (url: string): boolean => new URL(url).hostname.endsWith('.neon.tech')

/** Resolves when the tables are up to date, or at the stop. Fails with StartError where the database refuses entry. */
const keepMigrating = async (
  url: string,
  proxyUrl: string | undefined,
  signal: AbortSignal,
  log: (message: string) => void,
): Promise<void> => {
  while (!signal.aborted) {
    try {
      await migrate(url, { proxyUrl })
      return
    } catch (error) {
      if (signal.aborted) return
      const reason = error instanceof Error ? error.message : String(error)
      if (refusesEntry(error)) throw new StartError(`DATABASE_URL: ${reason}. Correct it, or make what it names.`)
      log(`The tables of metadata could not be brought up to date, trying again in ${retryMs / 1000} s: ${reason}`)
      await sleep(retryMs, undefined, { signal }).catch(() => {})
    }
  }
}
