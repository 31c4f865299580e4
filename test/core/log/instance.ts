/** One instance of the unit as far as the log goes: a sequencer of its own over a store that others use too. */
import { randomBytes } from 'node:crypto'
import type { Signer } from '../../../core/ans104/signer.ts'
import type { Entry } from '../../../core/log/entry.ts'
import { Sequencer } from '../../../core/log/sequencer.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { noMeter } from '../../../core/ports/meter.ts'

export const createInstance = (store: LogStore, clock: Clock, signer: Signer): Sequencer =>
  new Sequencer({ store, clock, signer, meter: noMeter, height: () => 1_234_567, rememberedHeads: 100 })

export const randomId = () => randomBytes(32).toString('base64url')

export const message = (process: string, id = randomId(), more: Partial<Entry> = {}): Entry => ({
  process,
  kind: 'message',
  id,
  item: { id, raw: Buffer.from(id) },
  exclude: [],
  ...more,
})

/** Spawns a process with an assignment and gives its id. */
export async function spawned(sequencer: Sequencer, deadline: number, assigned = true): Promise<string> {
  const id = randomId()
  const item = { id, raw: Buffer.from('process') }
  await sequencer.spawn({ id, item, assigned, settlementDepth: 20, blockHeight: 1_234_567 }, deadline)
  return id
}
