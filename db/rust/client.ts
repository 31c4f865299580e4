/** The Postgres of a Rust unit or router, to be read and nothing else: shared by its adapters. */
import pRetry, { type Options } from 'p-retry'
import pg from 'pg'
import { mayPass } from '../postgres/failures.ts'
import { refusal } from './refusal.ts'

export interface RustDatabaseOptions {
  /** `postgresql://…`, a secret. How the connection is secured is said in it: `sslmode`, `sslrootcert`. */
  address: string
  /** Connections at most; who asks more at once waits. */
  connections: number
  /** ms that a statement may take. */
  statementMs: number
  /** How long a question is asked again that broke off; none: at once given up. */
  patience?: Options
}

export interface RustDatabase {
  /** Every question stands by itself, so that it may be asked again. Fails as `refusal` says; nothing of that shows the address. */
  query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<R[]>
  /** What is asked afterwards connects anew. */
  close(): Promise<void>
}

const CONNECT_MS = 10_000
/** What the server has not stopped itself by then will not come. */
const ANSWER_MS = 10_000
/** One that has not answered yet may be a wrong address: whoever typed it should not wait for long. */
const FIRST_RETRIES = 2

/** Connects when the first rows are asked for. */
export function openRustDatabase(options: RustDatabaseOptions): RustDatabase {
  let pool: pg.Pool | undefined
  let answered = false
  const { retries = 0, ...patience } = options.patience ?? {}
  return {
    async query<R extends pg.QueryResultRow>(text: string, values: readonly unknown[]) {
      try {
        const { rows } = await pRetry(
          () => {
            pool ??= openPool(options)
            // A connection that fails leaves the pool.
            return pool.query<R>(text, [...values])
          },
          {
            ...patience,
            retries: answered ? retries : Math.min(retries, FIRST_RETRIES),
            shouldRetry: ({ error }) => mayPass(error) && refusal(error).code === 'unavailable',
          },
        )
        answered = true
        return rows
      } catch (error) {
        throw refusal(error)
      }
    },
    async close() {
      const closing = pool
      pool = undefined
      await closing?.end()
    },
  }
}

function openPool({ address, connections, statementMs }: RustDatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    Client: PromptClient,
    connectionString: readOnly(address),
    max: connections,
    application_name: 'ao-scheduler-unit',
    statement_timeout: statementMs,
    query_timeout: statementMs + ANSWER_MS,
    // A peer that is gone is noticed within half a minute, also where it said nothing.
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_MS,
    allowExitOnIdle: true,
  })
  // A connection that breaks between two questions: the next one gets another.
  pool.on('error', () => undefined)
  return pool
}

/** The pool's own bound would also be one for whoever waits until a connection is free. */
class PromptClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_MS })
  }
}

/**
 * The address of sessions that cannot write, by mistake. What an address says itself goes before all other settings of the driver, so
 * its own `options` are repeated: the last ones count. (No percent sign: the driver reads them in two ways.)
 */
function readOnly(address: string): string {
  const own = new URLSearchParams(address.split('?')[1]).get('options')
  const options = new URLSearchParams({ options: own ?? '' }).toString()
  const joined = `${options}${own === null ? '' : '+'}-c+default_transaction_read_only=on`
  return `${address}${address.includes('?') ? '&' : '?'}${joined}`
}
