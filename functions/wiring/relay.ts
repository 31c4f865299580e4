/** The relay from configuration: every adapter is made here, once for each instance. */
import { SchedulerError } from '../../core/errors.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import type { MetadataIndex } from '../../core/ports/metadata-index.ts'
import type { Meter } from '../../core/ports/meter.ts'
import type { RelayDeps, RelayLog } from '../../core/relay/deps.ts'
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
import type { RelayConfig } from '../config/functions.ts'
import { openBucket } from './blobs.ts'
import { effectsOf } from './effects.ts'
import { openLog } from './log.ts'
import { openSegmentStores } from './segments.ts'

/** What the relay function needs, and an operator's commands about uploads too; for those about segments what these are made of. */
export function createRelayParts(
  { store, upload, postgres }: RelayConfig,
  { meter, log }: { meter: Meter; log: RelayLog },
): RelayDeps & ReuploadDeps & { packing: VerifyDeps } {
  const db = openLog(store)
  const { blobs, objects } = openBucket(store)
  const reading = { records: readerOfBegunLog(db), blobs }
  const packing = { ...reading, ...openSegmentStores(db, objects) }
  return {
    ...reading,
    packing,
    segments: createSegmentBuilder({ ...packing, clock }),
    store: createRelayStore(db),
    bundler: createBundler({ url: upload.bundlerUrl }),
    cache: upload.cacheUrl === undefined ? undefined : createCache({ url: upload.cacheUrl }),
    index: openIndex(postgres),
    effects: effectsOf(postgres),
    meter,
    clock,
    log,
  }
}

/** The driver of Postgres is loaded while the first uploads are on their way. */
function openIndex({ url, proxyUrl, writeConcurrency }: RelayConfig['postgres']): MetadataIndex {
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
