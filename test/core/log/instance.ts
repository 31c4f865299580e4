/** One instance of the unit as far as the log goes: a sequencer of its own over a store that others use too. */
import { randomBytes } from 'node:crypto'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import { idOf } from '../../../core/ans104/base64url.ts'
import type { Signer } from '../../../core/ans104/signer.ts'
import type { Entry } from '../../../core/log/entry.ts'
import { Sequencer } from '../../../core/log/sequencer.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import type { SubmissionQueue } from '../../../core/ports/submission-queue.ts'

/** @param height of the network as the instance knows it, if it does */
export const createInstance = (
  store: LogStore,
  submissionQueue: SubmissionQueue,
  clock: Clock,
  signer: Signer,
  height: () => number | undefined = () => 1_234_567,
): Sequencer => new Sequencer({ store, submissionQueue, clock, signer, meter: noMeter, height, rememberedHeads: 100 })

export const randomId = () => randomBytes(32).toString('base64url')

/** A data item whose signature is any bytes: what the log is given was verified before. */
function anyItem(data: string) {
  const signature = randomBytes(512)
  const raw = assembleDataItem({
    signatureType: 1,
    signature,
    owner: Buffer.alloc(512, 1),
    tags: [],
    data: Buffer.from(data),
  })
  return { id: idOf(signature), raw }
}

export function message(process: string, more: Partial<Entry> = {}, data = 'message'): Entry {
  const item = anyItem(data)
  return { process, kind: 'message', id: item.id, item, exclude: [], ...more }
}

/** Spawns a process with an assignment and gives its id. */
export async function spawned(sequencer: Sequencer, deadline: number, assigned = true): Promise<string> {
  const item = anyItem('process')
  const { id } = item
  await sequencer.spawn({ id, item, assigned, settlementDepth: 20, blockHeight: 1_234_567 }, deadline)
  return id
}
