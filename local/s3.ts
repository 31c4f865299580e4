/**
 * The S3 server: fauxqs, with its objects in SQLite. Of its two stores that is the one where an object is either there
 * whole or not at all, whenever the process is killed; an object of 5 MB takes 25 ms. A single Put takes up to about 10 MB.
 */
import { mkdirSync } from 'node:fs'
import { type BuildAppOptions, buildApp } from 'fauxqs'
import { bucket } from '../infra/tables.ts'
import { portOf } from './free-port.ts'

export interface LocalS3 {
  url: string
  port: number
  /** The bucket's name, by the environment variable that functions read. */
  variables: Record<string, string>
  stop(): Promise<void>
}

export interface S3Options {
  /** Where it keeps its data; none: in memory. */
  dir?: string
  port?: number
}

const bucketName = 'su-blobs'

export const startS3 = async ({ dir, port = 0 }: S3Options = {}): Promise<LocalS3> => {
  const stores = await openStores(dir)
  stores.s3Store.createBucket(bucketName)
  // Its own start function would listen on every interface.
  const app = buildApp({ logger: false, stores })
  await app.listen({ port, host: '127.0.0.1' })
  const at = portOf(app.server)
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    variables: { [bucket.variable]: bucketName },
    async stop() {
      await app.close()
      stores.close()
    },
  }
}

type Stores = NonNullable<BuildAppOptions['stores']>

/** What is used here of the modules that the package does not export. */
interface Internals {
  SqsStore: new () => Stores['sqsStore']
  SnsStore: new () => Stores['snsStore']
  S3Store: new () => Stores['s3Store']
  PersistenceManager: new (
    dir: string,
  ) => NonNullable<Stores['s3Store']['persistence']> & { loadS3(store: Stores['s3Store']): void; close(): void }
}

/** The package's public function that keeps data on disk listens on every interface, so its parts are put together here. */
const openStores = async (dir: string | undefined): Promise<Stores & { close(): void }> => {
  const entry = import.meta.resolve('fauxqs')
  const modules = ['./sqs/sqsStore.js', './sns/snsStore.js', './s3/s3Store.js', './persistence.js']
  const loaded = await Promise.all(modules.map((path) => import(new URL(path, entry).href)))
  const internals: Internals = Object.assign({}, ...loaded)
  const stores: Stores = {
    sqsStore: new internals.SqsStore(),
    snsStore: new internals.SnsStore(),
    s3Store: new internals.S3Store(),
  }
  if (dir === undefined) return { ...stores, close() {} }
  mkdirSync(dir, { recursive: true })
  const persistence = new internals.PersistenceManager(dir)
  // Loading comes first: to write what is being read would delete it.
  persistence.loadS3(stores.s3Store)
  stores.s3Store.persistence = persistence
  return { ...stores, close: () => persistence.close() }
}
