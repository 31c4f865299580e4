/** The scheduler unit from configuration: every adapter is made here, once for each instance. */
import type { S3Client } from '@aws-sdk/client-s3'
import { createSigner } from '../../core/ans104/signer.ts'
import { Sequencer } from '../../core/log/sequencer.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import type { TimeIndex } from '../../core/ports/metadata-index.ts'
import { createBodyReads } from '../../core/read/bodies.ts'
import { createLogMemory } from '../../core/read/log-memory.ts'
import { createProcessMemory } from '../../core/read/process-memory.ts'
import { IdentityGuard } from '../../core/schedule/identity-guard.ts'
import { NetworkHeight } from '../../core/schedule/network-height.ts'
import { INLINE_BYTES } from '../../core/schedule/store-item.ts'
import type { DynamoDb } from '../../db/dynamodb/client.ts'
import { createHeightStore } from '../../db/dynamodb/height-store.ts'
import { createIdentityStore } from '../../db/dynamodb/identity-store.ts'
import { createLocationStore } from '../../db/dynamodb/location-store.ts'
import { createLogStore } from '../../db/dynamodb/log-store.ts'
import { createSubmissionQueue } from '../../db/dynamodb/submission-queue.ts'
import { createGateway } from '../../network/gateway.ts'
import type { SuConfig } from '../config/functions.ts'
import { createInstanceMeter } from '../http/metrics.ts'
import type { AppParts } from '../http/parts.ts'
import { createEmbeddedMeter, metricsLost } from '../telemetry/embedded-metrics.ts'
import type { Logger } from '../telemetry/logger.ts'
import { allOf } from '../telemetry/meters.ts'
import { openBucket } from './blobs.ts'
import { createHealth } from './health.ts'
import { openLists } from './lists.ts'
import { openLog } from './log.ts'
import { openOwnPlacement } from './placements.ts'
import { createSegmentParts, openSegmentStores } from './segments.ts'

/** Lets who measures or watches at the clients of the stores. */
export interface Watchers {
  onDynamoDb?(db: DynamoDb): void
  onS3?(client: S3Client): void
}

export function createSuParts(config: SuConfig, logger: Logger, { onDynamoDb, onS3 }: Watchers = {}): AppParts {
  const signer = createSigner(config.wallet.reveal())
  const db = openLog(config.store)
  onDynamoDb?.(db)
  const store = createLogStore(db, signer.owner)
  const submissionQueue = createSubmissionQueue({
    client: db.client,
    tables: { ...db.tables, submissions: config.submissions.submissionsTable },
  })
  const { blobs, objects } = openBucket(config.store, onS3)
  const stores = openSegmentStores(db, objects)
  const { segments, damage } = createSegmentParts({ stores, log: store, blobs, clock, logger })
  const gateway = createGateway(config.gateway)
  const height = new NetworkHeight(createHeightStore(db), gateway, clock)
  const identity = new IdentityGuard(createIdentityStore(db), signer, clock)
  const metrics = createInstanceMeter()
  const embedded = createEmbeddedMeter({
    service: 'su',
    namespace: config.logging.metricsNamespace,
    onFailure: metricsLost(logger),
  })
  const meter = config.serving.metrics ? allOf(metrics, embedded) : metrics
  const lists = openLists(config.access, logger, meter)
  const sequencer = new Sequencer({
    store,
    submissionQueue,
    signer,
    clock,
    meter,
    height: () => height.last,
    rememberedHeads: config.serving.headsRemembered,
  })
  return {
    scheduler: {
      sequencer,
      store,
      blobs,
      gateway,
      lists,
      height,
      identity,
      placement: openOwnPlacement(config.placement, clock),
      clock,
      rules: { ...config.rules, inlineBytes: INLINE_BYTES },
    },
    reading: {
      log: store,
      bodies: createBodyReads({ blobs, meter, clock }),
      segments,
      damage,
      times: lazyTimeIndex(config.postgres),
      memory: createProcessMemory(),
      nodes: createLogMemory(),
      meter,
      clock,
      maxPageBytes: config.serving.maxPageBytes,
    },
    address: signer.address,
    location: createLocationStore(db),
    aoCore: config.serving.aoCore,
    hyperbeamUrl: config.serving.hyperbeamUrl,
    maxWaiting: config.serving.maxWaiting,
    logger,
    maxBodyBytes: config.serving.maxBodyBytes,
    cdnSecrets: config.serving.cdnSecrets,
    routerSecrets: config.serving.routerSecrets,
    metrics: config.serving.metrics ? metrics : undefined,
    health: createHealth({ identity, height, blobs, clock }),
    // An instance that commits for others goes on doing so when its own request is answered.
    afterAnswer: async () => {
      await embedded.flush()
      await Promise.all([sequencer.idle(), damage.settle()])
      await embedded.flush()
    },
  }
}

/** The driver of Postgres is loaded when the first page by timestamps is asked for, not before the first answer. */
function lazyTimeIndex({ readUrl, proxyUrl, readConcurrency }: SuConfig['postgres']): TimeIndex {
  if (readUrl === undefined) return { lastNonceUpTo: async () => undefined }
  let index: Promise<TimeIndex> | undefined
  return {
    async lastNonceUpTo(process, timestamp) {
      index ??= import('../../db/postgres/time-index.ts').then(({ createTimeIndex }) =>
        createTimeIndex({ url: readUrl.reveal(), connections: readConcurrency, ...(proxyUrl && { proxyUrl }) }),
      )
      return (await index).lastNonceUpTo(process, timestamp)
    },
  }
}
