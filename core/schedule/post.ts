/** `POST /` with a data item: a process is begun, a message gets its place in its process. */
import { isId } from '../ans104/base64url.ts'
import { type DataItem, parseDataItem } from '../ans104/data-item.ts'
import { verifySignature } from '../ans104/signature.ts'
import { tagValue } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'
import { refusalOf, unknownProcess } from '../log/state.ts'
import { messageDeepHash } from '../protocol/message-deep-hash.ts'
import { checkWritable, refuseSpawns } from './access.ts'
import { receiptOfRetry } from './retry.ts'
import { checkSize, checkTags, itemType, settlementDepth } from './rules.ts'
import type { Receipt, Scheduler } from './scheduler.ts'
import { storeItem } from './store-item.ts'

/**
 * Schedules a raw data item. Everything that can be judged without asking anybody is judged first, so that garbage costs
 * nothing but a signature check.
 * @param deadline ms since the epoch: when the caller must have its answer
 */
export async function postItem(scheduler: Scheduler, raw: Buffer, deadline: number): Promise<Receipt> {
  const item = parseDataItem(raw)
  const type = itemType(item)
  checkTags(item, type)
  if (type === 'Message') checkSize(item, scheduler.rules.size)
  if (!(await verifySignature(item, { types: scheduler.rules.signatureTypes }))) {
    throw new SchedulerError('invalid-item', 'The signature does not verify')
  }
  return type === 'Process' ? spawn(scheduler, item, deadline) : schedule(scheduler, item, deadline)
}

async function spawn(scheduler: Scheduler, item: DataItem, deadline: number): Promise<Receipt> {
  const { sequencer, height, identity, clock, rules } = scheduler
  refuseSpawns(scheduler)
  const head = await sequencer.recall(item.id)
  if (head) {
    const refusal = refusalOf(head)
    if (refusal) throw refusal
    return { id: item.id, timestamp: clock.now() }
  }
  const [blockHeight, stored] = await Promise.all([
    height.current(),
    checkOnBoot(scheduler, item).then(() => storeItem(item, scheduler)),
    identity.check(),
  ])
  await sequencer.spawn(
    {
      id: item.id,
      item: stored,
      assigned: rules.processAssignment,
      settlementDepth: settlementDepth(item.tags),
      blockHeight,
    },
    deadline,
  )
  return { id: item.id, timestamp: clock.now() }
}

async function schedule(scheduler: Scheduler, item: DataItem, deadline: number): Promise<Receipt> {
  const { sequencer, height, identity, clock, rules } = scheduler
  if (item.target.length === 0) throw new SchedulerError('invalid-message', 'The message has no target process')
  const process = item.target.toString('base64url')
  await checkWritable(scheduler, process)
  const [head] = await Promise.all([sequencer.recall(process), height.refresh(), identity.check()])
  if (!head) throw unknownProcess()
  const pushed = tagValue(item.tags, 'From-Process') !== undefined
  try {
    await sequencer.schedule(
      {
        process,
        kind: 'message',
        id: item.id,
        item: await storeItem(item, scheduler),
        ...(pushed && { deepHash: { hash: messageDeepHash(item), claimed: rules.deepHashChecks } }),
        exclude: [],
      },
      deadline,
    )
  } catch (error) {
    return receiptOfRetry(error, scheduler)
  }
  return { id: item.id, timestamp: clock.now() }
}

/** `On-Boot` must name a transaction that some gateway has. Contract: with process assignment on. */
async function checkOnBoot({ gateway, rules }: Scheduler, item: DataItem): Promise<void> {
  const onBoot = tagValue(item.tags, 'On-Boot')
  if (!rules.processAssignment || onBoot === undefined || onBoot === 'Data') return
  if (!isId(onBoot)) throw new SchedulerError('invalid-message', 'The On-Boot tag is no transaction id')
  if (!(await gateway.exists(onBoot))) {
    throw new SchedulerError('invalid-message', 'The On-Boot tag names a transaction that no gateway has')
  }
}
