/** What every restore of a log's tables does, fake or real (core/ports/log-restore.ts). */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import type { Signer } from '../../core/ans104/signer.ts'
import type { Entry } from '../../core/log/entry.ts'
import { Sequencer } from '../../core/log/sequencer.ts'
import { closedForGood } from '../../core/log/state.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import type { ImportedRecord, LogImport } from '../../core/ports/log-import.ts'
import type { LogRestore } from '../../core/ports/log-restore.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import { noMeter } from '../../core/ports/meter.ts'
import { noSubmissionQueue } from '../fakes/submission-queue.ts'
import { digested } from './digested.ts'

export interface LogRestoreUnderTest {
  restore: LogRestore
  /** The same log. */
  store: LogStore
  imports: LogImport
  signer: Signer
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const found: T[] = []
  for await (const page of pages) found.push(...page)
  return found
}

export function logRestoreSuite(name: string, open: () => LogRestoreUnderTest): void {
  const deadline = () => clock.now() + 5_000

  async function entry(process: string, pushed = false): Promise<Entry> {
    const { id, raw } = await open().signer.sign({ tags: [], data: randomBytes(8) })
    const deepHash = pushed && { hash: randomBytes(48).toString('base64url'), claimed: true }
    return { process, kind: 'message', id, item: { id, raw }, exclude: [], ...(deepHash && { deepHash }) }
  }

  /** A process with so many messages, every third of them pushed, and the ids of these. */
  async function grown(messages: number, assigned = true): Promise<{ process: string; entries: Entry[] }> {
    const { store, signer } = open()
    const sequencer = new Sequencer({
      store,
      submissionQueue: noSubmissionQueue,
      signer,
      clock,
      meter: noMeter,
      height: () => 7,
      rememberedHeads: 10,
    })
    const item = await signer.sign({ tags: [], data: randomBytes(8) })
    const process = item.id
    await sequencer.spawn({ id: process, item, assigned, settlementDepth: 20, blockHeight: 7 }, deadline())
    const entries: Entry[] = []
    for (let n = 0; n < messages; n++) {
      const one = await entry(process, n % 3 === 0)
      await sequencer.schedule(one, deadline())
      entries.push(one)
    }
    return { process, entries }
  }

  const assignmentsOf = async (process: string, count: number): Promise<string[]> => {
    const records = await open().store.records(process, 0, count - 1)
    return records.map(({ assignment }) => parseDataItem(assignment ?? Buffer.alloc(0)).id)
  }

  describe(`${name}, as what is restored`, () => {
    it('tells what each table holds', async () => {
      const { restore, store } = open()
      const one = await grown(8)
      const two = await grown(3, false)
      const processes = [one.process, two.process]
      const heads = (await all(restore.heads())).filter(({ process }) => processes.includes(process))
      expect(heads).toHaveLength(2)
      for (const head of heads) expect(head).toEqual(await store.head(head.process))
      const nonces = (found: readonly { process: string; nonce: number }[], process: string) =>
        found
          .filter((row) => row.process === process)
          .map(({ nonce }) => nonce)
          .sort((a, b) => a - b)
      const records = await all(restore.records())
      expect(nonces(records, one.process)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      expect(nonces(records, two.process)).toEqual([-1, 0, 1, 2])
      const ids = await all(restore.ids())
      const assignments = ids.filter(({ assignment }) => assignment)
      expect(nonces(assignments, one.process)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
      expect(nonces(assignments, two.process)).toEqual([0, 1, 2])
      // Posted, and every third with a deep hash.
      const others = ids.filter(({ assignment }) => !assignment)
      expect(nonces(others, one.process)).toEqual([1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8])
    })

    it('gives those records that are there', async () => {
      const { restore, store } = open()
      const { process } = await grown(4)
      expect(await restore.recordsAt(process, [9, 3, -1, 1, 100, 4])).toEqual([
        ...(await store.records(process, 1, 1)),
        ...(await store.records(process, 3, 4)),
      ])
      expect(await restore.recordsAt(process, [])).toEqual([])
    })

    it('tells of large ones once, and gives them whole', async () => {
      const { restore, imports, signer } = open()
      const process = randomBytes(32).toString('base64url')
      const records: ImportedRecord[] = []
      for (const [nonce, bytes] of [5_000_000, 100, 1_000_000].entries()) {
        const { id, raw } = await signer.sign({ tags: [], data: randomBytes(bytes) })
        const place = { process, nonce, timestamp: 1, timeKey: 1, blockHeight: 1 }
        records.push({ ...place, kind: 'transaction', id: process, assignment: raw, assignmentId: id })
      }
      await imports.add(records)
      const scanned = (await all(restore.records())).filter((row) => row.process === process)
      expect(scanned.map(({ nonce }) => nonce).sort()).toEqual([0, 1, 2])
      expect((await restore.recordsAt(process, [2, 0, 1, 3])).map(digested)).toEqual(
        records.map(({ assignmentId: _, ...record }) => digested(record)),
      )
    })

    it('tells which assignments cannot be found', async () => {
      const { restore } = open()
      const { process, entries } = await grown(2)
      const ids = await assignmentsOf(process, 3)
      const unknown = [randomBytes(32).toString('base64url'), entries[0]?.id ?? '']
      expect(await restore.notFound(process, [...ids, ...unknown])).toEqual(new Set(unknown))
      expect(await restore.notFound(entries[0]?.id ?? '', ids)).toEqual(new Set(ids))
    })

    it('puts a head in the place of the one that was read, and of no other', async () => {
      const { restore, store } = open()
      const { process } = await grown(3)
      const head = await store.head(process)
      if (!head) throw new Error('no head')
      const { hashChain: _, lastAssignment: __, ...rest } = head
      const before = { ...rest, next: 0 }
      const [first] = await store.records(process, 0, 0)
      expect(await restore.replaceHead(undefined, before)).toBe(false)
      expect(await restore.replaceHead({ ...head, next: 3 }, before)).toBe(false)
      expect(await restore.replaceHead({ ...head, state: 'frozen' }, before)).toBe(false)
      expect(await restore.replaceHead({ ...head, awaits: 3 }, before)).toBe(false)
      expect(await store.head(process)).toEqual(head)
      expect(await restore.replaceHead(head, before)).toBe(true)
      expect(await store.head(process)).toEqual(before)
      expect(await restore.replaceHead(head, before)).toBe(true)
      expect(await restore.replaceHead(before, head)).toBe(true)
      expect(await store.head(process)).toEqual(head)
      const closed = closedForGood(head)
      expect(await restore.replaceHead(head, closed)).toBe(true)
      expect(await store.head(process)).toEqual({ ...head, state: 'frozen', awaits: Number.MAX_SAFE_INTEGER })
      // One of a process that has none.
      const fresh = { ...head, process: randomBytes(32).toString('base64url') }
      expect(await restore.replaceHead(undefined, fresh)).toBe(true)
      expect(await restore.replaceHead(undefined, fresh)).toBe(true)
      expect(await store.head(fresh.process)).toEqual(fresh)
      expect(first?.id).toBe(process)
    })

    it('removes a head that is still the one that was read', async () => {
      const { restore, store } = open()
      const { process } = await grown(1)
      const head = await store.head(process)
      if (!head) throw new Error('no head')
      expect(await restore.removeHead({ ...head, next: 1 })).toBe(false)
      expect(await store.head(process)).toEqual(head)
      expect(await restore.removeHead(head)).toBe(true)
      expect(await restore.removeHead(head)).toBe(true)
      expect(await store.head(process)).toBeUndefined()
    })

    it('forgets where lost nonces are found, and nothing else', async () => {
      const { restore, store } = open()
      const one = await grown(60)
      const other = await grown(5)
      await restore.forgetIds(new Map([[one.process, 4]]))
      const nonces = (await all(restore.ids())).filter((row) => row.process === one.process).map(({ nonce }) => nonce)
      expect(Math.max(...nonces)).toBe(3)
      for (const [index, { id }] of one.entries.entries()) {
        expect((await store.find(id)).length).toBe(index + 1 < 4 ? 1 : 0)
      }
      for (const { id } of other.entries) expect(await store.find(id)).toHaveLength(1)
      expect(await restore.recordsAt(one.process, [10])).toHaveLength(1)
      await restore.forgetIds(new Map())
    })
  })
}
