/**
 * What all files of a run share: one DynamoDB Local and one Postgres, in which each file has a namespace of its own, and the resource
 * graphs. Each starts when the first file asks for it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'

/** What a file learns of each service. */
export interface Services {
  /** The tables of each access key are its own. */
  dynamodb: { url: string }
  /** Addresses as in `DATABASE_URL` and `NEON_PROXY_URL`. */
  postgres: { databaseUrl: string; proxyUrl: string }
  /** The folder with a file for each variant of infra/sst/variants.ts. */
  graphs: { dir: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Where this run's services are asked for. */
    services: string
  }
}

type Starters = { [Name in keyof Services]: () => Promise<Services[Name] & { stop(): Promise<void> }> }

// Imported when they are wanted: every file that asks for a service would load all of this.
const starters: Starters = {
  async dynamodb() {
    const { startDynamoDb } = await import('../local/dynamodb.ts')
    // `DYNAMODB_LOCAL`: a folder with another release of it, for .ci/run.
    return startDynamoDb({ tables: {}, namespaces: true, release: process.env.DYNAMODB_LOCAL })
  },
  async postgres() {
    const { startPostgresWithNeon } = await import('../local/postgres.ts')
    const { databaseUrl, proxyUrl, stop } = await startPostgresWithNeon()
    return { databaseUrl, proxyUrl, stop }
  },
  graphs: async () => (await import('./infra/sst/setup.ts')).evaluateGraphs(),
}

/** Vitest's global setup: serves `GET /{name}`, which starts that service or waits for it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<{ stop(): Promise<void> }>>()
  const start = (name: string): Promise<unknown> => {
    if (!(name in starters)) throw new Error(`${name} is none of the services.`)
    const running = started.get(name) ?? starters[name as keyof Services]()
    started.set(name, running)
    return running
  }
  const server = createServer((request, response) => {
    // Spaces before the answer keep fetch waiting, however long a slow machine takes.
    const waiting = setInterval(() => response.write(' '), 10_000)
    const asked = async () => ({ service: await start((request.url ?? '').slice(1)) })
    void asked()
      .catch((error: unknown) => ({ error: String(error) }))
      .then((answer) => {
        clearInterval(waiting)
        response.end(JSON.stringify(answer))
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  project.provide('services', `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  return async () => {
    server.close()
    server.closeAllConnections()
    const running = await Promise.allSettled(started.values())
    await Promise.all(running.map((service) => service.status === 'fulfilled' && service.value.stop()))
  }
}

/** The run's service of that name, started if it is not yet there. Fails with why it does not start. */
export async function service<Name extends keyof Services>(name: Name): Promise<Services[Name]> {
  const response = await fetch(`${inject('services')}/${name}`)
  const { service, error } = (await response.json()) as { service?: Services[Name]; error?: string }
  if (service === undefined) throw new Error(error)
  return service
}
