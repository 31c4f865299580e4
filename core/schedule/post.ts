/** `POST /` with a data item: a process is begun, a message gets its place in its process. */
import type { DataItem } from '../ans104/data-item.ts'
import { openSigned } from '../ans104/signature.ts'
import { firstValue } from '../ans104/tags.ts'
import { hasCode, SchedulerError } from '../errors.ts'
import type { Entry } from '../log/entry.ts'
import type { NewProcess } from '../log/sequencer.ts'
import { refusalOf } from '../log/state.ts'
import { messageDeepHash } from '../protocol/message-deep-hash.ts'
import { checkWritable, refuseSpawns } from './access.ts'
import { inTime } from './in-time.ts'
import { scheduledBefore } from './retry.ts'
import {
  bootTransaction,
  checkProcess,
  checkSize,
  checkTags,
  itemType,
  settlementDepth,
  targetProcess,
} from './rules.ts'
import type { Receipt, Scheduler } from './scheduler.ts'
import { storeItem } from './store-item.ts'

/**
 * Schedules a raw data item. The signature comes first, so that garbage costs only its check; then every rule that needs no
 * other service.
 * @param deadline ms since the epoch: when the caller must have its answer
 */
export async function postItem(scheduler: Scheduler, raw: Buffer, deadline: number): Promise<Receipt> {
  const { id, timestamp } = await scheduleItem(scheduler, raw, deadline)
  return { id, timestamp }
}

/** An item that has its place. */
export interface Scheduled extends Receipt {
  process: string
  /** The message's nonce; undefined for a process. */
  nonce?: number
}

/**
 * `postItem`, with the place.
 * @param expected the process that the item must spawn or be for; fails with `process-mismatch`
 */
export async function scheduleItem(
  scheduler: Scheduler,
  raw: Buffer,
  deadline: number,
  expected?: string,
): Promise<Scheduled> {
  const item = await openSigned(raw, { types: scheduler.rules.signatureTypes })
  const type = itemType(item)
  checkTags(item, type)
  const process = type === 'Process' ? item.id : targetProcess(item)
  checkProcess(process, expected)
  return type === 'Process' ? spawn(scheduler, item, deadline) : schedule(scheduler, item, process, deadline)
}

async function spawn(scheduler: Scheduler, item: DataItem, deadline: number): Promise<Scheduled> {
  const { sequencer, clock } = scheduler
  const process = await inTime(scheduler, deadline, prepareProcess(scheduler, item))
  if (process) await sequencer.spawn(process, deadline)
  return { id: item.id, process: item.id, timestamp: clock.now() }
}

/** Undefined where the process is there already: spawning it again changes nothing. */
async function prepareProcess(scheduler: Scheduler, item: DataItem): Promise<NewProcess | undefined> {
  const { store, height, identity, rules } = scheduler
  const boot = await orRefused(scheduler, item, async () => {
    refuseSpawns(scheduler)
    // Contract: `On-Boot` counts with process assignment on only.
    return rules.processAssignment ? bootTransaction(item) : undefined
  })
  // Read anew: a head that is remembered as open may have been frozen since.
  const head = await store.head(item.id)
  if (head) {
    const refusal = refusalOf(head)
    if (refusal) throw refusal
    return undefined
  }
  const [blockHeight] = await Promise.all([
    height.current(),
    orRefused(scheduler, item, () => identity.check()),
    orRefused(scheduler, item, () => checkBoot(scheduler, boot)),
  ])
  // Last: a claim is final, so a unit that cannot schedule the process must have failed before it.
  await orRefused(scheduler, item, () => claim(scheduler, item))
  return {
    id: item.id,
    item: await storeItem(item, 'process', scheduler),
    assigned: rules.processAssignment,
    settlementDepth: settlementDepth(item),
    blockHeight,
  }
}

/** Settles the placement on this unit. */
async function claim({ placement }: Scheduler, { id }: DataItem): Promise<void> {
  await placement.check()
  await placement.claim(id)
}

/**
 * Tells the router of a refusal by this unit that another unit might not share (also: its log is not fit for writing), so that
 * the process can be placed again. Only for verified items: an unsigned one must not say anything about a process.
 */
async function orRefused<T>({ placement }: Scheduler, { id }: DataItem, check: () => Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (hasCode(error, 'invalid-message') || hasCode(error, 'foreign-log')) await placement.refuse(id)
    throw error
  }
}

async function checkBoot({ gateway }: Scheduler, boot: string | undefined): Promise<void> {
  if (boot === undefined || (await gateway.exists(boot))) return
  throw new SchedulerError('invalid-message', 'The On-Boot tag names a transaction that no gateway has')
}

async function schedule(scheduler: Scheduler, item: DataItem, process: string, deadline: number): Promise<Scheduled> {
  const { sequencer, clock, rules } = scheduler
  checkSize(item, rules.size)
  const entry = await inTime(scheduler, deadline, prepareMessage(scheduler, item, process))
  try {
    const { nonce } = await sequencer.schedule(entry, deadline)
    return { id: item.id, process, nonce, timestamp: clock.now() }
  } catch (error) {
    const { id, place } = scheduledBefore(error, scheduler)
    return { id, process, nonce: place.nonce, timestamp: place.timestamp }
  }
}

async function prepareMessage(scheduler: Scheduler, item: DataItem, process: string): Promise<Entry> {
  const { sequencer, height, identity, placement, rules } = scheduler
  await checkWritable(scheduler, process)
  const [head] = await Promise.all([sequencer.recall(process), height.refresh(), identity.check(), placement.check()])
  const refusal = refusalOf(head)
  if (refusal) throw refusal
  const pushed = firstValue(item, 'From-Process') !== undefined
  return {
    process,
    kind: 'message',
    id: item.id,
    item: await storeItem(item, 'message', scheduler),
    ...(pushed && { deepHash: { hash: messageDeepHash(item), claimed: rules.deepHashChecks } }),
    exclude: [],
  }
}
