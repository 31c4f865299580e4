/** The relay from configuration: every adapter is made here, once for each instance. */
import { SchedulerError } from '../../core/errors.ts'
import type { Bundler } from '../../core/ports/bundler.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import type { MetadataIndex } from '../../core/ports/metadata-index.ts'
import type { Meter } from '../../core/ports/meter.ts'
import type { Sink } from '../../core/ports/relay-store.ts'
import type { RelayDeps, RelayLog } from '../../core/relay/deps.ts'
import { createPace } from '../../core/relay/pace.ts'
import type { ReuploadDeps } from '../../core/relay/reupload.ts'
import { createSegmentBuilder } from '../../core/segments/builder.ts'
import type { VerifyDeps } from '../../core/segments/verify.ts'
import type { DynamoDb } from '../../db/dynamodb/client.ts'
import { createIdentityStore } from '../../db/dynamodb/identity-store.ts'
import { createLogReader, type LogReader } from '../../db/dynamodb/log-reader.ts'
import { recordRows } from '../../db/dynamodb/record-row.ts'
import { createRelayStore } from '../../db/dynamodb/relay-store.ts'
import { createBundler } from '../../network/bundler.ts'
import { createCache } from '../../network/cache.ts'
import type { PackerConfig, RelayConfig } from '../config/functions.ts'
import { openBucket } from './blobs.ts'
import { openLog } from './log.ts'
import { openSegmentStores } from './segments.ts'
import { packerSinks } from './sinks.ts'

interface Around {
  sinks: readonly Sink[]
  meter: Meter
  log: RelayLog
}

/** What relay and reconciler need, and an operator's commands about uploads and segments too. */
export function createRelayParts(
  { store, upload, postgres }: Omit<RelayConfig, 'logging'>,
  around: Around,
): RelayDeps & ReuploadDeps & { packing: VerifyDeps } {
  return {
    ...createParts(store, createBundler({ url: upload.bundlerUrl, receipts: upload.receipts }), around),
    cache: upload.cacheUrl === undefined ? undefined : createCache({ url: upload.cacheUrl }),
    index: openIndex(postgres),
  }
}

/** What the packer needs: it has neither bundler nor database. */
export const createPackerParts = ({ store }: PackerConfig, around: Omit<Around, 'sinks'>): RelayDeps => ({
  ...createParts(
    store,
    { upload: async () => ({ kind: 'trouble', reason: 'The packer has no bundler.' }) },
    { ...around, sinks: packerSinks },
  ),
  index: openIndex({ url: undefined }),
})

function createParts(store: RelayConfig['store'], bundler: Bundler, around: Around) {
  const db = openLog(store)
  const { blobs, objects } = openBucket(store)
  const reading = { records: readerOfBegunLog(db), blobs }
  const packing = { ...reading, ...openSegmentStores(db, objects) }
  return {
    ...reading,
    packing,
    segments: createSegmentBuilder({ ...packing, clock }),
    store: createRelayStore(db),
    pace: createPace(bundler, clock),
    clock,
    ...around,
  }
}

/** The driver of Postgres is loaded while the first uploads are on their way. */
function openIndex({
  url,
  proxyUrl,
  writeConcurrency = 1,
}: Pick<RelayConfig['postgres'], 'url'> & Partial<RelayConfig['postgres']>): MetadataIndex {
  if (url === undefined) return { index: () => Promise.reject(new Error('There is no DATABASE_URL.')) }
  let index: Promise<MetadataIndex> | undefined
  const open = async (): Promise<MetadataIndex> => {
    const [{ createDatabase }, { createMetadataIndex }] = await Promise.all([
      import('../../db/postgres/client.ts'),
      import('../../db/postgres/metadata-index.ts'),
    ])
    return createMetadataIndex(createDatabase({ url: url.reveal(), connections: writeConcurrency, proxyUrl }))
  }
  return {
    async index(records) {
      index ??= open()
      await (await index).index(records)
    },
  }
}

/** Records are stored without what the log says once for all of them: the unit's public key. It is read with the first. */
function readerOfBegunLog(db: DynamoDb): Pick<LogReader, 'head' | 'records' | 'timeKeys'> {
  const identity = createIdentityStore(db)
  let reader: LogReader | undefined
  const opened = async (): Promise<LogReader> => {
    if (reader) return reader
    const recorded = await identity.recorded()
    if (!recorded) throw new SchedulerError('unavailable', 'The log has not been begun yet.')
    reader = createLogReader(db, recordRows(recorded.owner))
    return reader
  }
  return {
    head: async (process) => (await opened()).head(process),
    records: async (process, from, to) => (await opened()).records(process, from, to),
    timeKeys: async (process, nonces) => (await opened()).timeKeys(process, nonces),
  }
}
