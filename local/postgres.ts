/** Postgres with Neon's protocols in front of it, as the functions and the adapters' tests want it. */
import { type NeonProxy, startNeonProxy } from './postgres/neon-proxy.ts'
import { type LocalPostgres, type PostgresOptions, startPostgres } from './postgres/server.ts'

export interface PostgresWithNeon {
  /** As in DATABASE_URL. */
  databaseUrl: string
  /** As in NEON_PROXY_URL. */
  proxyUrl: string
  postgres: LocalPostgres
  proxy: NeonProxy
  stop(): Promise<void>
}

export const startPostgresWithNeon = async ({
  neonPort,
  ...options
}: PostgresOptions & { neonPort?: number } = {}): Promise<PostgresWithNeon> => {
  const postgres = await startPostgres(options)
  const proxy = await startNeonProxy({
    databaseUrl: postgres.url,
    ...(neonPort === undefined ? {} : { port: neonPort }),
  })
  return {
    databaseUrl: postgres.url,
    proxyUrl: proxy.url,
    postgres,
    proxy,
    async stop() {
      await proxy.stop()
      await postgres.stop()
    },
  }
}
