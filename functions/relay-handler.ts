/** The stream of the heads table as the relay's calls: which processes changed, and which records are to come again. */
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import type { Clock } from '../core/ports/clock.ts'
import type { StreamRelay } from '../core/relay/stream.ts'

export interface RelayHandlerDeps {
  relay: StreamRelay
  clock: Clock
  /** Writes metrics down; called when an invocation ends. */
  flush(): Promise<void>
}

/** Rows whose changes are news: a head that moved, and a process that is to be looked at again. */
const ROWS = ['head', 'wake']

/** What is begun just before the deadline may take so long: one attempt of an upload, the watermark, the metrics; ms. */
const MARGIN_MS = 25_000

/**
 * For an event source mapping with `ReportBatchItemFailures`: Lambda brings the records again from the lowest one named, so
 * also some that are done; they find nothing left to do.
 */
export function createRelayHandler({ relay, clock, flush }: RelayHandlerDeps) {
  return async (
    event: DynamoDBStreamEvent,
    context: Pick<Context, 'getRemainingTimeInMillis'>,
  ): Promise<DynamoDBBatchResponse> => {
    const remaining = context.getRemainingTimeInMillis()
    const deadline = clock.now() + Math.max(remaining - MARGIN_MS, remaining / 2)
    const changes = event.Records.flatMap((record) => {
      const process = changedProcess(record)
      return process === undefined ? [] : [{ process, record }]
    })
    const again = await relay(
      changes.map(({ process }) => process),
      deadline,
    )
    await flush()
    const failed = changes.filter(({ process }) => again.has(process))
    return { batchItemFailures: failed.map(({ record }) => ({ itemIdentifier: sequenceNumber(record) })) }
  }
}

function changedProcess({ eventName, dynamodb }: DynamoDBRecord): string | undefined {
  const { process, row } = dynamodb?.Keys ?? {}
  return eventName !== 'REMOVE' && ROWS.includes(row?.S ?? '') ? process?.S : undefined
}

/** Without one, the whole batch must come again: that is what an error means to Lambda. */
function sequenceNumber({ dynamodb }: DynamoDBRecord): string {
  const number = dynamodb?.SequenceNumber
  if (!number) throw new Error('a record of the stream has no sequence number')
  return number
}
