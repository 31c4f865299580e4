/** `POST /?process-id=&assign=`: an Arweave transaction gets a place in a process, without being posted. */
import { isId } from '../ans104/base64url.ts'
import { SchedulerError } from '../errors.ts'
import type { Entry } from '../log/entry.ts'
import type { Head } from '../log/record.ts'
import { refusalOf, unknownProcess } from '../log/state.ts'
import { createTransactionHasher } from '../protocol/message-deep-hash.ts'
import { checkWritable } from './access.ts'
import { inTime } from './in-time.ts'
import { alreadyAssigned, scheduledBefore } from './retry.ts'
import type { Receipt, Scheduler } from './scheduler.ts'

export interface AssignRequest {
  process: string
  /** Id of the transaction. */
  transaction: string
  baseLayer: boolean
  /** The `exclude` parameter as it stands, if there. */
  exclude?: string | undefined
}

/** @param deadline ms since the epoch: when the caller must have its answer */
export async function assignTransaction(
  scheduler: Scheduler,
  request: AssignRequest,
  deadline: number,
): Promise<Receipt> {
  const { sequencer, clock } = scheduler
  if (!isId(request.transaction))
    throw new SchedulerError('invalid-request', 'assign must be a transaction id of 43 characters')
  const excluded = parseExclude(request.exclude)
  if (!isId(request.process)) throw unknownProcess()
  try {
    const entry = await inTime(scheduler, deadline, prepare(scheduler, request, excluded))
    const place = await sequencer.schedule(entry, deadline)
    return { id: place.assignment, timestamp: clock.now() }
  } catch (error) {
    const { id, place } = scheduledBefore(error, scheduler)
    return { id, timestamp: place.timestamp }
  }
}

async function prepare(
  scheduler: Scheduler,
  { process, transaction, baseLayer }: AssignRequest,
  exclude: readonly string[],
): Promise<Entry> {
  const { sequencer, store, height, identity, placement } = scheduler
  await checkWritable(scheduler, process)
  const [head] = await Promise.all([sequencer.recall(process), height.refresh(), identity.check(), placement.check()])
  const refusal = refusalOf(head)
  if (!head || refusal) throw refusal ?? unknownProcess()
  // Before the gateway is asked: a retry must get its answer whatever the gateway does now.
  const assigned = await store.findItem(process, { kind: 'transaction', id: transaction })
  if (assigned) throw alreadyAssigned(assigned.place)
  const deepHash = baseLayer
    ? await checkSettled(scheduler, head, transaction)
    : await hashTransaction(scheduler, transaction)
  return { process, kind: 'transaction', id: transaction, exclude, ...(deepHash && { deepHash }) }
}

/** Base layer: settled deep enough for this process. Such an assignment has no deep hash. */
async function checkSettled({ gateway }: Scheduler, head: Head, transaction: string): Promise<undefined> {
  const confirmations = await gateway.confirmations(transaction)
  if (confirmations === undefined) throw unknownTransaction()
  if (confirmations < head.settlementDepth) {
    throw new SchedulerError(
      'invalid-message',
      `The transaction has ${confirmations} confirmations, the process needs ${head.settlementDepth}`,
    )
  }
}

/** Any transaction that the gateway knows will do; its data is hashed as it streams by, never held. */
async function hashTransaction(
  { gateway, store, rules }: Scheduler,
  id: string,
): Promise<NonNullable<Entry['deepHash']>> {
  const transaction = await gateway.transaction(id)
  const hasher = transaction && createTransactionHasher(transaction)
  if (!hasher || (await gateway.data(id, hasher.update)) === undefined) {
    // An item of this log reaches a gateway within seconds or minutes.
    throw (await store.find(id)).length > 0 ? notPublishedYet() : unknownTransaction()
  }
  return { hash: hasher.digest(), claimed: rules.deepHashChecks }
}

const unknownTransaction = () => new SchedulerError('not-found', 'Transaction not found')

/** Seconds: about as long as a bundler takes to show an item at a gateway. */
const PUBLISHED_AFTER = 10

const notPublishedYet = () =>
  new SchedulerError(
    'unavailable',
    'The item is scheduled here, but no gateway has it yet. Ask again in a few seconds.',
    { retryAfter: PUBLISHED_AFTER },
  )

/** One tag per value, untrimmed; empty values make none. The CU could never read a process with a single one. */
function parseExclude(exclude: string | undefined): string[] {
  const values = (exclude ?? '').split(',').filter((value) => value !== '')
  if (values.length === 1) {
    throw new SchedulerError(
      'invalid-request',
      'exclude must name several values or none: compute units cannot read a single one',
    )
  }
  return values
}
