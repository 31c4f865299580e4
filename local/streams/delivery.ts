/**
 * Hands batches of a stream's records to a function as Lambda's event source mapping does: again from the first record
 * that failed, cut in two where the whole call failed, given up after so many attempts or so much time.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamTrigger } from '../../infra/functions.ts'
import type { Outcome } from '../lambda/invocation.ts'
import type { StreamRecord } from './record.ts'

/** What becomes of records that are given up, in the shape of Lambda's failure destination. */
export interface GivenUp {
  requestContext: {
    requestId: string
    functionArn: string
    condition: 'RetryAttemptsExhausted' | 'RecordAgeExceeded'
    approximateInvokeCount: number
  }
  timestamp: string
  DDBStreamBatchInfo: {
    streamArn: string
    shardId: string
    startSequenceNumber: string
    endSequenceNumber: string
    approximateArrivalOfFirstRecord: string
    approximateArrivalOfLastRecord: string
    batchSize: number
  }
}

export interface DeliveryOptions {
  trigger: Pick<StreamTrigger, 'bisect' | 'reportBatchItemFailures' | 'maximumRetryAttempts' | 'maximumRecordAge'>
  functionName: string
  invoke(event: string): Promise<Outcome>
  onGivenUp(givenUp: GivenUp): void
  onFailure(message: string): void
  /** Ends the waiting between attempts. */
  signal: AbortSignal
}

/** Pauses between attempts, ms: doubled each time, up to the second value. */
const backoff = [100, 10_000] as const

/**
 * Resolves when every record is dealt with: taken, or given up. False: the stack is stopping, and some are not.
 * Records of a call are in their order, and no call begins before the one before it has ended.
 */
export const deliver = async (
  records: readonly StreamRecord[],
  shardId: string,
  options: DeliveryOptions,
): Promise<boolean> => {
  const { trigger, signal, invoke, onFailure } = options
  let rest = records
  let attempts = 0
  while (rest.length > 0) {
    if (signal.aborted) return false
    const expired = rest.filter((record) => age(record) > trigger.maximumRecordAge)
    if (expired.length > 0) {
      options.onGivenUp(describe(expired, shardId, 'RecordAgeExceeded', attempts, options.functionName))
      rest = rest.filter((record) => !expired.includes(record))
      continue
    }
    const outcome = await invoke(JSON.stringify({ Records: rest }))
    if (signal.aborted && outcome.kind !== 'answered') return false
    const result = judge(outcome, rest, trigger.reportBatchItemFailures)
    if (result.kind === 'taken') return true
    onFailure(result.reason)
    attempts++
    if (result.kind === 'from' && result.index > 0) {
      rest = rest.slice(result.index)
      attempts = 0
    } else if (result.kind === 'failed' && trigger.bisect && rest.length > 1) {
      const middle = Math.ceil(rest.length / 2)
      if (!(await pause(attempts, signal))) return false
      return (
        (await deliver(rest.slice(0, middle), shardId, options)) &&
        (await deliver(rest.slice(middle), shardId, options))
      )
    } else if (attempts > trigger.maximumRetryAttempts) {
      options.onGivenUp(describe(rest, shardId, 'RetryAttemptsExhausted', attempts, options.functionName))
      return true
    }
    if (!(await pause(attempts, signal))) return false
  }
  return true
}

const age = ({ dynamodb }: StreamRecord): number => Date.now() / 1000 - dynamodb.ApproximateCreationDateTime

type Judgement =
  | { kind: 'taken' }
  /** The function names a record; it and those after it come again. */
  | { kind: 'from'; index: number; reason: string }
  | { kind: 'failed'; reason: string }

const judge = (outcome: Outcome, records: readonly StreamRecord[], reportsFailures: boolean): Judgement => {
  if (outcome.kind === 'failed') return { kind: 'failed', reason: `${outcome.errorType}: ${outcome.message}` }
  if (outcome.kind === 'throttled') return { kind: 'failed', reason: 'No instance was free' }
  if (outcome.kind === 'streaming') {
    outcome.body.resume()
    return { kind: 'failed', reason: 'A function of a stream may not stream its answer' }
  }
  if (!reportsFailures) return { kind: 'taken' }
  const answer: unknown = JSON.parse(outcome.body)
  const failures = typeof answer === 'object' && answer !== null && Reflect.get(answer, 'batchItemFailures')
  // Nothing at all counts as success, as on Lambda.
  if (!Array.isArray(failures) || failures.length === 0) return { kind: 'taken' }
  const named = failures.map((failure) =>
    records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === failure?.itemIdentifier),
  )
  // A record that is not of this batch makes the whole of it fail.
  if (named.includes(-1)) return { kind: 'failed', reason: 'The function named a record that it was not given' }
  return { kind: 'from', index: Math.min(...named), reason: `The function reported ${named.length} failed records` }
}

const pause = async (attempts: number, signal: AbortSignal): Promise<boolean> => {
  if (attempts === 0) return !signal.aborted
  const [first, most] = backoff
  const ms = Math.min(first * 2 ** (attempts - 1), most) * (0.5 + Math.random() / 2)
  return sleep(ms, true, { signal }).catch(() => false)
}

const describe = (
  records: readonly StreamRecord[],
  shardId: string,
  condition: GivenUp['requestContext']['condition'],
  approximateInvokeCount: number,
  functionName: string,
): GivenUp => {
  const times = records.map(({ dynamodb }) => new Date(dynamodb.ApproximateCreationDateTime * 1000).toISOString())
  return {
    requestContext: {
      requestId: randomUUID(),
      functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
      condition,
      approximateInvokeCount,
    },
    timestamp: new Date().toISOString(),
    DDBStreamBatchInfo: {
      streamArn: records[0]?.eventSourceARN ?? '',
      shardId,
      startSequenceNumber: records[0]?.dynamodb.SequenceNumber ?? '',
      endSequenceNumber: records.at(-1)?.dynamodb.SequenceNumber ?? '',
      approximateArrivalOfFirstRecord: times[0] ?? '',
      approximateArrivalOfLastRecord: times.at(-1) ?? '',
      batchSize: records.length,
    },
  }
}
