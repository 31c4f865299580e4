/** What every log store does, fake or real. Each test works on processes of its own, so that they may share a store. */
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import type { Signer } from '../../core/ans104/signer.ts'
import { chainProcess } from '../../core/log/chain.ts'
import type { Entry } from '../../core/log/entry.ts'
import type { Head } from '../../core/log/record.ts'
import type { Commit, LogStore } from '../../core/ports/log-store.ts'
import { bareHead, chainContext, commitOf as commitFor, randomId as id, messageTo, now, signedItem } from './commits.ts'

export interface LogStoreUnderTest {
  store: LogStore
  /** The wallet that the store reckons with as the unit's own. */
  signer: Signer
}

export function logStoreSuite(name: string, open: () => LogStoreUnderTest): void {
  const context = () => chainContext(open().signer)
  const item = (data = 'hello') => signedItem(open().signer, data)
  const message = (process: string, more?: Partial<Entry>) => messageTo(open().signer, process, more)
  const commitOf = (head: Head, entries: Entry[]): Promise<Commit> => commitFor(open().signer, head, entries)

  async function spawn(assigned = true) {
    const { store } = open()
    const stored = await item('process')
    const process = stored.id
    const record = {
      process,
      kind: 'process',
      item: stored,
      id: process,
      timestamp: now,
      timeKey: now,
      blockHeight: 1_800_000,
    } as const
    if (!assigned) {
      const head: Head = { ...bareHead(process), firstNonce: -1 }
      const begun = { head, record: { ...record, nonce: -1 }, token: randomUUID() }
      return { process, head, begun, assignment: undefined, outcome: await store.spawn(begun) }
    }
    const { assignment, hashChain, head } = await chainProcess(bareHead(process), context())
    const begun = {
      head,
      record: { ...record, nonce: 0, assignment: assignment.raw },
      hashChain,
      assignmentId: assignment.id,
      token: randomUUID(),
    }
    return { process, head, begun, assignment, outcome: await store.spawn(begun) }
  }

  describe(`log store: ${name}`, () => {
    it('knows no head of an unknown process, and finds nothing of an unknown id', async () => {
      const { store } = open()
      expect(await store.head(id())).toBeUndefined()
      expect(await store.find(id())).toEqual([])
      expect(await store.setState(id(), 'open', 'frozen')).toBe(false)
    })

    it.each([true, false])(
      'begins a process (with an assignment: %s), whose head and record are there at once',
      async (assigned) => {
        const { store } = open()
        const { process, head, begun, assignment, outcome } = await spawn(assigned)
        expect(outcome).toEqual({ kind: 'committed' })
        expect(await store.head(process)).toEqual(head)
        expect(await store.records(process, head.firstNonce, head.firstNonce)).toEqual([begun.record])
        if (assignment) {
          expect(await store.find(assignment.id)).toEqual([
            { process, kind: 'assignment', place: { assignment: assignment.id, nonce: 0, timestamp: now } },
          ])
        }
      },
    )

    it('leaves a process that is there as it is, and says what is there', async () => {
      const { store } = open()
      const { process, head, begun } = await spawn()
      expect(await store.spawn({ ...begun, token: randomUUID() })).toEqual({ kind: 'exists', head })
      await store.setState(process, 'open', 'frozen')
      expect(await store.spawn({ ...begun, token: randomUUID() })).toMatchObject({ head: { state: 'frozen' } })
    })

    it('commits several links at once: head, records, ids and assignments', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const transaction = id()
      const entries: Entry[] = [
        await message(process),
        {
          process,
          kind: 'transaction',
          id: transaction,
          exclude: ['Data', 'Tags'],
          deepHash: { hash: id(), claimed: true },
        },
        await message(process),
      ]
      const commit = await commitOf(head, entries)
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      expect(await store.head(process)).toEqual(commit.to)
      const records = await store.records(process, 1, 3)
      expect(records.map((record) => record.id)).toEqual(entries.map((entry) => entry.id))
      expect(records.map((record) => record.assignment)).toEqual(commit.links.map((link) => link.assignment))
      expect(records.map((record) => record.kind)).toEqual(['message', 'transaction', 'message'])
      expect(records[0]?.item).toEqual(entries[0]?.item)
      expect(records[1]?.item).toBeUndefined()
      expect(
        parseDataItem(records[1]?.assignment ?? Buffer.alloc(0)).tags.filter((tag) => tag.name === 'Exclude'),
      ).toHaveLength(2)
      expect(await store.timeKeys(process, [3, 1, 1])).toEqual([now + 3, now + 1, now + 1])
      for (const link of commit.links) {
        const place = { assignment: link.assignmentId, nonce: link.nonce, timestamp: link.timestamp }
        expect(await store.find(link.assignmentId)).toEqual([{ process, kind: 'assignment', place }])
        const kind = link.kind === 'message' ? 'posted' : 'assigned'
        expect(await store.find(link.id)).toEqual([{ process, kind, place }])
      }
    })

    it('keeps an item that is elsewhere as its reference', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const entry = await message(process)
      const blob = { id: entry.id, sha256: randomBytes(32), bytes: 123_456 }
      const commit = await commitOf(head, [{ ...entry, item: { id: entry.id, blob, renderedBytes: 234_567 } }])
      await store.commit(commit)
      expect((await store.records(process, 1, 1))[0]?.item).toEqual({ id: entry.id, blob, renderedBytes: 234_567 })
    })

    it('goes on from a process without an assignment', async () => {
      const { store } = open()
      const { process, head } = await spawn(false)
      const commit = await commitOf(head, [await message(process)])
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      expect(await store.head(process)).toEqual(commit.to)
      expect((await store.records(process, -1, 0)).map((record) => record.nonce)).toEqual([-1, 0])
    })

    it('moves a head only from what was read, and says what it is now', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const first = await commitOf(head, [await message(process)])
      const second = await commitOf(head, [await message(process)])
      await store.commit(first)
      expect(await store.commit(second)).toEqual({ kind: 'head-moved', head: first.to })
      expect(await store.find(second.links[0]?.id ?? '')).toEqual([])
      expect(await store.head(process)).toEqual(first.to)
    })

    it('of many commits on one head exactly one happens', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const commits = await Promise.all(
        Array.from({ length: 12 }, async () => commitOf(head, [await message(process)])),
      )
      const outcomes = await Promise.all(commits.map((commit) => store.commit(commit)))
      expect(outcomes.filter((outcome) => outcome.kind === 'committed')).toHaveLength(1)
      expect((await store.head(process))?.next).toBe(2)
    })

    it('the same commit with the same token happens once', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const commit = await commitOf(head, [await message(process)])
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      expect((await store.head(process))?.next).toBe(2)
    })

    it('keeps with an item the submission by which it came, and who is to go on', async () => {
      const { store, signer } = open()
      const { process, head } = await spawn()
      const entries = [await message(process), await message(process), await message(process)]
      const [one, two] = [randomUUID(), randomUUID()]
      const marks = [{ submission: one }, { submission: two, successor: true }]
      const commit = await commitFor(signer, head, entries, marks)
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      const found = await Promise.all(entries.map(async (entry) => (await store.find(entry.id))[0]))
      expect(found.map((finding) => [finding?.submission, finding?.successor])).toEqual([
        [one, undefined],
        [two, true],
        [undefined, undefined],
      ])
      const [again] = await store.find(commit.links[1]?.assignmentId ?? '')
      expect(again).toMatchObject({ kind: 'assignment', place: { nonce: 2 } })
    })

    it('keeps who holds the process in its head, until another one does; no condition looks at it', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const lease = { by: 'one', until: now + 400, wait: 50 }
      const first = await commitOf(head, [await message(process)])
      await store.commit({ ...first, to: { ...first.to, lease } })
      expect(await store.head(process)).toEqual({ ...first.to, lease })
      // Who knows of no lease commits all the same, and leaves it as it is.
      const second = await commitOf(first.to, [await message(process)])
      expect(await store.commit(second)).toEqual({ kind: 'committed' })
      expect(await store.head(process)).toEqual({ ...second.to, lease })
      expect(await store.commit(await commitOf(head, [await message(process)]))).toEqual({
        kind: 'head-moved',
        head: { ...second.to, lease },
      })
      const third = await commitOf({ ...second.to, lease }, [await message(process)])
      const next = { by: 'two', until: 0, wait: 60 }
      expect(await store.commit({ ...third, to: { ...third.to, lease: next } })).toEqual({ kind: 'committed' })
      expect((await store.head(process))?.lease).toEqual(next)
    })

    it('refuses what is there already, by its index and with its place, and writes nothing', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const old = await message(process)
      const first = await commitOf(head, [old])
      await store.commit(first)
      const place = { assignment: first.links[0]?.assignmentId, nonce: 1, timestamp: now + 1 }
      const again = await commitOf(first.to, [await message(process), old])
      expect(await store.commit(again)).toEqual({
        kind: 'refused',
        refusals: new Map([[1, { kind: 'scheduled', place }]]),
      })
      expect(await store.head(process)).toEqual(first.to)
      expect(await store.find(again.links[0]?.id ?? '')).toEqual([])
    })

    it('tells of the item before its deep hash, and of a claimed deep hash only', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const hash = id() + id().slice(0, 21)
      const old = await message(process, { deepHash: { hash, claimed: true } })
      const first = await commitOf(head, [old])
      await store.commit(first)
      expect(await store.commit(await commitOf(first.to, [old]))).toMatchObject({
        refusals: new Map([[0, expect.objectContaining({ kind: 'scheduled' })]]),
      })
      const other = await message(process, { deepHash: { hash, claimed: true } })
      expect(await store.commit(await commitOf(first.to, [other]))).toMatchObject({
        refusals: new Map([
          [
            0,
            expect.objectContaining({
              kind: 'deep-hash',
              place: expect.objectContaining({ nonce: 1 }),
              owner: { kind: 'message', id: old.id },
            }),
          ],
        ]),
      })
      const second = await commitOf(first.to, [{ ...other, deepHash: { hash, claimed: false } }])
      expect(await store.commit(second)).toEqual({ kind: 'committed' })
      // The first place is the one that is kept.
      const third = await commitOf(second.to, [await message(process, { deepHash: { hash, claimed: true } })])
      expect(await store.commit(third)).toMatchObject({
        refusals: new Map([
          [
            0,
            expect.objectContaining({
              kind: 'deep-hash',
              place: expect.objectContaining({ nonce: 1 }),
              owner: { kind: 'message', id: old.id },
            }),
          ],
        ]),
      })
    })

    it('a deep hash and an id count in their own process and kind only', async () => {
      const { store } = open()
      const [one, two] = [await spawn(), await spawn()]
      const hash = id() + id().slice(0, 21)
      const transaction = id()
      const entry = (process: string): Entry => ({
        process,
        kind: 'transaction',
        id: transaction,
        exclude: [],
        deepHash: { hash, claimed: true },
      })
      expect(await store.commit(await commitOf(one.head, [entry(one.process)]))).toEqual({ kind: 'committed' })
      expect(await store.commit(await commitOf(two.head, [entry(two.process)]))).toEqual({ kind: 'committed' })
      const found = await store.find(transaction)
      expect(new Set(found.map((finding) => finding.process))).toEqual(new Set([one.process, two.process]))
    })

    it.each(['frozen', 'incomplete'] as const)('takes nothing in a process that is %s', async (state) => {
      const { store } = open()
      const { process, head } = await spawn()
      expect(await store.setState(process, 'open', state)).toBe(true)
      expect(await store.setState(process, 'open', state)).toBe(false)
      const commit = await commitOf(head, [await message(process)])
      expect(await store.commit(commit)).toEqual({ kind: 'head-moved', head: { ...head, state } })
      expect(await store.setState(process, state, 'open')).toBe(true)
      expect(await store.commit({ ...commit, token: randomUUID() })).toEqual({ kind: 'committed' })
    })

    it('never gives fewer records than asked for', async () => {
      const { store } = open()
      const { process } = await spawn()
      await expect(store.records(process, 0, 1)).rejects.toMatchObject({ code: 'unavailable' })
      await expect(store.timeKeys(process, [0, 7])).rejects.toMatchObject({ code: 'unavailable' })
      expect(await store.records(process, 1, 0)).toEqual([])
    })

    it('takes a commit as large as its limits say, and reads it back in order', async () => {
      const { store } = open()
      const { process, head } = await spawn()
      const cost = store.cost(await message(process))
      const count = Math.floor(store.limits.rows / cost.rows)
      const entries = await Promise.all(Array.from({ length: count }, () => message(process)))
      const commit = await commitOf(head, entries)
      expect(await store.commit(commit)).toEqual({ kind: 'committed' })
      const records = await store.records(process, 0, count)
      expect(records.map((record) => record.nonce)).toEqual(Array.from({ length: count + 1 }, (_, i) => i))
      expect(records.slice(1).map((record) => record.id)).toEqual(entries.map((entry) => entry.id))
    })

    it('keeps an assignment of another wallet or another shape byte for byte', async () => {
      const { store } = open()
      const stored = await item('foreign process')
      const process = stored.id
      const foreign = await open().signer.sign({
        tags: [{ name: 'Type', value: 'Assignment' }],
        data: Buffer.from('bundle'),
      })
      const record = {
        process,
        nonce: 0,
        kind: 'process',
        item: stored,
        id: process,
        timestamp: 5,
        timeKey: 9,
        blockHeight: 7,
        assignment: foreign.raw,
      } as const
      const head = { ...bareHead(process), next: 1, hashChain: randomBytes(32), lastAssignment: randomBytes(32) }
      await store.spawn({ head, record, assignmentId: foreign.id, token: randomUUID() })
      expect(await store.records(process, 0, 0)).toEqual([record])
      expect(await store.timeKeys(process, [0])).toEqual([9])
    })
  })
}
