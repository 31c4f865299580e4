/** Processes with a long history, written through the log's own port: signed, chained and committed, not sent over HTTP. */
import { randomUUID } from 'node:crypto'
import type { Signer } from '../core/ans104/signer.ts'
import { systemClock } from '../core/ports/clock.ts'
import { noMeter } from '../core/ports/meter.ts'
import type { Scheduler } from '../core/schedule/scheduler.ts'
import { chainEntries } from '../test/suites/commits.ts'
import { makeMessages, makeProcess, type Post } from './items.ts'

/** A filled process: its id and the number of its messages. */
export interface Filled {
  process: string
  messages: number
}

/** Messages of a commit: with each its record and two ids, up to what a transaction holds. */
const COMMIT = 33
/** Messages signed ahead, on all cores, while commits go on. */
const AHEAD = 330
const HEIGHT = 1_800_000

/**
 * A process of that many messages, each with so many bytes of data.
 * @param signer the unit's own
 */
export async function fillProcess(
  { store, sequencer }: Pick<Scheduler, 'store' | 'sequencer'>,
  signer: Signer,
  wallet: Signer,
  messages: number,
  bytes: number,
): Promise<string> {
  const process = await makeProcess(wallet)
  const settlement = { assigned: true, settlementDepth: 20, blockHeight: HEIGHT }
  await sequencer.spawn({ id: process.id, item: process, ...settlement }, Date.now() + 60_000)
  let next = signed(wallet, process.id, messages, bytes)
  for (let done = 0; done < messages; ) {
    const ready = await next
    done += ready.length
    next = signed(wallet, process.id, messages - done, bytes)
    for (let at = 0; at < ready.length; at += COMMIT) {
      await commit({ store }, signer, process.id, ready.slice(at, at + COMMIT))
    }
  }
  return process.id
}

const signed = (wallet: Signer, process: string, left: number, bytes: number): Promise<Post[]> =>
  makeMessages(wallet, process, Math.min(AHEAD, left), bytes)

async function commit(
  { store }: Pick<Scheduler, 'store'>,
  signer: Signer,
  process: string,
  messages: readonly Post[],
): Promise<void> {
  const from = await store.head(process)
  if (!from) throw new Error('the process is gone')
  const entries = messages.map((item) => ({ process, kind: 'message', id: item.id, item, exclude: [] }) as const)
  const context = { signer, meter: noMeter, now: systemClock.now(), height: HEIGHT }
  const { links, to } = await chainEntries(from, entries, context)
  const outcome = await store.commit({ from, to, links, token: randomUUID() })
  if (outcome.kind !== 'committed') throw new Error(`a commit was answered ${outcome.kind}`)
}
