/** What every import into the log and every fence of its heads does, fake or real (core/ports/log-import.ts, log-fence.ts). */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { idBytes } from '../../core/ans104/base64url.ts'
import { encodeBundle } from '../../core/ans104/bundle.ts'
import { type DataItem, parseDataItem } from '../../core/ans104/data-item.ts'
import type { Signer } from '../../core/ans104/signer.ts'
import { chainProcess } from '../../core/log/chain.ts'
import type { Entry } from '../../core/log/entry.ts'
import type { Head, LogRecord } from '../../core/log/record.ts'
import type { LogFence } from '../../core/ports/log-fence.ts'
import type { ImportedRecord, LogImport } from '../../core/ports/log-import.ts'
import { type LogStore, MAX_FINDINGS } from '../../core/ports/log-store.ts'
import { noMeter } from '../../core/ports/meter.ts'
import { chainEntries } from './commits.ts'
import { digested } from './digested.ts'

export interface LogImportUnderTest {
  imports: LogImport
  fence: LogFence
  /** The log that is imported into. */
  store: LogStore
  /** The wallet that the log reckons with as the unit's own. */
  signer: Signer
}

const NOW = 1_700_000_000_000
const HEIGHT = 1_800_000
const randomId = () => randomBytes(32).toString('base64url')
const randomHash = () => randomBytes(48).toString('base64url')

/** A process's end of its log with all its records, signed by our own wallet. */
interface History {
  process: string
  head: Head
  records: ImportedRecord[]
}

export function logImportSuite(name: string, open: () => LogImportUnderTest): void {
  const context = (now = NOW) => ({ signer: open().signer, meter: noMeter, now, height: HEIGHT })

  const item = async (data: string, target?: string) => {
    const { id, raw } = await open().signer.sign({
      tags: [{ name: 'n', value: 'v' }],
      data: Buffer.from(data),
      ...(target !== undefined && { target: idBytes(target) }),
    })
    return { id, raw }
  }

  const message = async (process: string, more: Partial<Entry> = {}): Promise<Entry> => {
    const stored = await item('hello', process)
    return { process, kind: 'message', id: stored.id, item: stored, exclude: [], ...more }
  }

  async function history(entries: ((process: string) => Promise<Entry>)[], assigned = true): Promise<History> {
    const stored = await item('process')
    const process = stored.id
    const bare: Head = {
      process,
      state: 'open',
      next: 0,
      timestamp: NOW,
      blockHeight: HEIGHT,
      epoch: 0,
      firstNonce: assigned ? 0 : -1,
      settlementDepth: 20,
    }
    const first = {
      process,
      kind: 'process',
      item: stored,
      id: process,
      timestamp: NOW,
      timeKey: NOW,
      blockHeight: HEIGHT,
    } as const
    const begun = assigned ? await chainProcess(bare, context()) : undefined
    const records: ImportedRecord[] = [
      begun
        ? { ...first, nonce: 0, assignment: begun.assignment.raw, assignmentId: begun.assignment.id }
        : { ...first, nonce: -1 },
    ]
    const made = await Promise.all(entries.map((entry) => entry(process)))
    const { links, to } = await chainEntries(begun?.head ?? bare, made, context(NOW + 1))
    for (const { hashChain: _, deepHash, ...link } of links) {
      records.push({ ...link, process, timeKey: link.timestamp, ...(deepHash && { deepHash: deepHash.hash }) })
    }
    return { process, head: to, records }
  }

  const messages = (count: number) => Array.from({ length: count }, () => (process: string) => message(process))

  /** As the log gives it. */
  const plain = ({ assignmentId: _, deepHash: __, ...record }: ImportedRecord) => record

  async function imported({ head, records }: History, state: Head['state'] = 'frozen'): Promise<Head> {
    const { imports } = open()
    const begun = await imports.begin(head)
    await imports.add(records)
    const to = { ...head, state }
    expect(await imports.finish(begun, to)).toBe(true)
    return to
  }

  const commitOf = async (head: Head, entries: Entry[]) => {
    const { links, to } = await chainEntries(head, entries, context(NOW + 1_000))
    return { from: head, to, links, token: randomUUID() }
  }

  describe(`${name}, as what takes a process in`, () => {
    it('begins with a head that covers nothing and takes nothing', async () => {
      const { imports, store } = open()
      for (const assigned of [true, false]) {
        const { process, head } = await history(messages(2), assigned)
        const begun = await imports.begin(head)
        expect(begun).toMatchObject({
          process,
          state: 'incomplete',
          next: head.firstNonce,
          firstNonce: head.firstNonce,
        })
        expect(begun.lastAssignment).toBeUndefined()
        expect(await store.head(process)).toEqual(begun)
        expect(await imports.begin({ ...head, timestamp: 5 })).toEqual(begun)
        expect(await store.commit(await commitOf(head, [await message(process)]))).toMatchObject({ kind: 'head-moved' })
      }
    })

    it('finds the posted message and the named process of an id that is assigned in ever so many processes', async () => {
      const { store, imports } = open()
      const id = randomId()
      const signed = await message(randomId())
      const assignment = await item('an assignment')
      const record = (kind: 'message' | 'transaction', timestamp: number): ImportedRecord => ({
        process: randomId(),
        nonce: 1,
        kind,
        id,
        assignment: assignment.raw,
        assignmentId: randomId(),
        timestamp,
        timeKey: timestamp,
        blockHeight: HEIGHT,
        ...(kind === 'message' && signed.item && { item: signed.item }),
      })
      const posted = [record('message', NOW + 9_000), record('message', NOW + 8_000)] as const
      const assigned = Array.from({ length: MAX_FINDINGS + 20 }, (_, index) => record('transaction', NOW + index))
      await imports.add([...assigned, ...posted])

      const found = await store.find(id)
      expect(found).toHaveLength(MAX_FINDINGS)
      expect(found.flatMap(({ kind, process }) => (kind === 'posted' ? [process] : []))).toEqual([
        posted[1].process,
        posted[0].process,
      ])
      expect(found.map(({ place }) => place.timestamp)).toEqual(
        found.map(({ place }) => place.timestamp).sort((a, b) => a - b),
      )
      for (const { process, nonce } of assigned) {
        expect(await store.findItem(process, { kind: 'transaction', id })).toMatchObject({ process, place: { nonce } })
      }
    })

    it('leaves a head alone that is there', async () => {
      const { imports, store } = open()
      const story = await history(messages(1))
      const head = await imported(story)
      await store.setState(story.process, 'frozen', 'open')
      expect(await imports.begin({ ...story.head, timestamp: 5 })).toEqual({ ...head, state: 'open' })
    })

    it.each([true, false])('has all of it afterwards, and goes on from there (assigned: %s)', async (assigned) => {
      const { store, imports } = open()
      const transaction = randomId()
      const hash = randomHash()
      const pushed = randomHash()
      const story = await history(
        [
          (process) => message(process),
          async (process) => ({
            process,
            kind: 'transaction',
            id: transaction,
            exclude: ['Data', 'Tags'],
            deepHash: { hash, claimed: true },
          }),
          (process) => message(process, { deepHash: { hash: pushed, claimed: true } }),
        ],
        assigned,
      )
      const { process, records } = story
      const head = await imported(story)
      expect(await store.head(process)).toEqual(head)
      expect(await store.records(process, head.firstNonce, head.next - 1)).toEqual(records.map(plain))
      for (const { kind, id, assignmentId, nonce, timestamp } of records) {
        if (assignmentId === undefined) continue
        const place = { assignment: assignmentId, nonce, timestamp }
        expect(await store.find(assignmentId)).toEqual([{ process, kind: 'assignment', place }])
        const way = kind === 'message' ? 'posted' : 'assigned'
        expect(await store.find(id)).toEqual(kind === 'process' ? [] : [{ process, kind: way, place }])
      }
      expect(await imports.deepHash(process, hash)).toMatchObject({ nonce: head.next - 2 })
      expect(await imports.deepHash(process, randomHash())).toBeUndefined()
      expect(await imports.deepHash(randomId(), hash)).toBeUndefined()

      // What came in is refused a second time, and what is new follows it.
      expect(await store.setState(process, 'frozen', 'open')).toBe(true)
      const from = { ...head, state: 'open' } as const
      const again = records.at(-1)
      const known = await message(process, { id: again?.id ?? '' })
      expect(await store.commit(await commitOf(from, [known]))).toMatchObject({ kind: 'refused' })
      const twin = await message(process, { deepHash: { hash: pushed, claimed: true } })
      expect(await store.commit(await commitOf(from, [twin]))).toMatchObject({ kind: 'refused' })
      const next = await commitOf(from, [await message(process)])
      expect(await store.commit(next)).toEqual({ kind: 'committed' })
      expect((await store.records(process, head.next, head.next))[0]?.id).toBe(next.links[0]?.id)
    })

    it('may be told everything again, in any order, by several at once', async () => {
      const { imports, store } = open()
      const story = await history(messages(70))
      const { process, head, records } = story
      const begun = await imports.begin(head)
      const half = Math.floor(records.length / 2)
      await imports.add(records.slice(half))
      await Promise.all([imports.add(records), imports.add(records.slice(10)), imports.add(records.slice(0, half))])
      expect(await Promise.all([1, 2, 3].map(() => imports.finish(begun, head)))).toEqual([true, true, true])
      expect(await store.records(process, 0, head.next - 1)).toEqual(records.map(plain))
      await imports.add([])
    })

    it('takes records of several processes at once', async () => {
      const { imports, store } = open()
      const stories = await Promise.all([history(messages(3)), history(messages(2), false)])
      await imports.add(stories.flatMap(({ records }) => records))
      for (const { process, head, records } of stories) {
        expect(await store.records(process, head.firstNonce, head.next - 1)).toEqual(records.map(plain))
      }
    })

    it('writes over nothing that is not the same, and says where it stands', async () => {
      const { imports, store } = open()
      const story = await history(messages(2))
      const { process, records } = story
      await imports.add(records)
      const other = await message(process)
      const [, one] = records
      if (!one || !other.item) throw new Error('no record')
      const changed: ImportedRecord[] = [
        { ...one, id: other.id, item: other.item },
        { ...one, timestamp: one.timestamp + 1 },
        { ...one, timeKey: one.timeKey + 1 },
        { ...one, blockHeight: 5 },
        { ...one, assignment: records[2]?.assignment ?? Buffer.alloc(0) },
      ]
      for (const record of changed) {
        await expect(imports.add([record])).rejects.toMatchObject({
          code: 'already-scheduled',
          details: { place: { nonce: 1, timestamp: one.timestamp } },
        })
      }
      // The same record, found as another assignment's.
      await expect(imports.add([{ ...one, assignmentId: randomId() }])).rejects.toMatchObject({
        code: 'already-scheduled',
      })
      expect(await store.records(process, 0, 2)).toEqual(records.map(plain))
    })

    it('knows a record again whose item is kept elsewhere', async () => {
      const { imports, store } = open()
      const story = await history(messages(1))
      const { process, records } = story
      await imports.add(records)
      const last = records[1]
      if (!last?.item || !('raw' in last.item)) throw new Error('no item')
      const { id, raw } = last.item
      const blob = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
      await imports.add([{ ...last, item: { id, blob, renderedBytes: 100 } }])
      expect(await store.records(process, 1, 1)).toEqual([plain(last)])
      const spoilt = { ...blob, sha256: randomBytes(32) }
      await expect(imports.add([{ ...last, item: { id, blob: spoilt, renderedBytes: 100 } }])).rejects.toMatchObject({
        code: 'already-scheduled',
      })
    })

    it('of an item that is there twice, and of a deep hash, keeps the lowest nonce, in whatever order they come', async () => {
      const { imports, store } = open()
      const hash = randomHash()
      for (const order of [
        [1, 2, 3],
        [3, 2, 1],
        [2, 3, 1],
      ]) {
        const twice = await item('twice')
        const entry = async (process: string): Promise<Entry> => ({
          process,
          kind: 'message',
          id: twice.id,
          item: twice,
          exclude: [],
          deepHash: { hash, claimed: false },
        })
        const { process, records } = await history([entry, entry, entry])
        const [first] = order
        // One after the other, then at once.
        for (const nonce of order) await imports.add(records.slice(nonce, nonce + 1))
        await imports.add(order.flatMap((nonce) => records.slice(nonce, nonce + 1)))
        expect([first, await store.find(twice.id)]).toMatchObject([first, [{ kind: 'posted', place: { nonce: 1 } }]])
        expect(await imports.deepHash(process, hash)).toMatchObject({ nonce: 1 })
        const all = await history([entry, entry])
        await imports.add(all.records.toReversed())
        expect(await imports.deepHash(all.process, hash)).toMatchObject({ nonce: 1 })
      }
    })

    it('keeps what a foreign unit signed, the oldest shape, and times that fall', async () => {
      const { store, signer } = open()
      const stored = await item('old process')
      const process = stored.id
      const first = { process, kind: 'process', item: stored, id: process, blockHeight: 7 } as const
      const records: ImportedRecord[] = [{ ...first, nonce: -1, timestamp: 50, timeKey: 50 }]
      let outer: DataItem | undefined
      for (const [nonce, timestamp] of [90, 40, 90, 95].entries()) {
        // The message's own bundle is the data of what is the assignment.
        const inner = parseDataItem((await item(`message ${nonce}`, process)).raw)
        outer = await signer.sign({
          tags: [
            { name: 'Epoch', value: '0' },
            { name: 'Nonce', value: String(nonce) },
            { name: 'Timestamp', value: String(timestamp) },
          ],
          data: encodeBundle([inner]),
        })
        records.push({
          process,
          nonce,
          kind: 'message',
          id: inner.id,
          item: { id: inner.id, raw: inner.raw },
          assignment: outer.raw,
          assignmentId: outer.id,
          timestamp,
          timeKey: Math.max(90, timestamp),
          blockHeight: 7,
        })
      }
      const head: Head = {
        process,
        state: 'frozen',
        next: 4,
        hashChain: randomBytes(32),
        lastAssignment: idBytes(outer?.id ?? ''),
        timestamp: 95,
        blockHeight: 7,
        epoch: 3,
        firstNonce: -1,
        settlementDepth: 5,
      }
      await imported({ process, head, records })
      expect(await store.head(process)).toEqual(head)
      expect(await store.records(process, -1, 3)).toEqual(records.map(plain))
      expect(await store.timeKeys(process, [0, 1, 2, 3])).toEqual([90, 90, 90, 95])
      expect(await store.find(records[2]?.id ?? '')).toMatchObject([
        { kind: 'posted', place: { nonce: 1, timestamp: 40 } },
      ])
      expect(await store.find(process)).toEqual([])
    })

    describe('asked what it holds', () => {
      const all = (records: readonly ImportedRecord[], held: boolean) => records.map(() => held)

      it.each([true, false])(
        'knows what it has and what it has not, and writes nothing (assigned: %s)',
        async (assigned) => {
          const { imports, store } = open()
          const transaction = async (process: string): Promise<Entry> => ({
            process,
            kind: 'transaction',
            id: randomId(),
            exclude: ['Data'],
            deepHash: { hash: randomHash(), claimed: true },
          })
          const { process, head, records } = await history([...messages(130), transaction], assigned)
          expect(await imports.held([])).toEqual([])
          expect(await imports.held(records)).toEqual(all(records, false))
          expect(await store.head(process)).toBeUndefined()
          expect(await store.find(records.at(-1)?.id ?? '')).toEqual([])
          const odd = records.filter((_, index) => index % 2 === 1)
          await imports.add(odd)
          expect(await imports.held(records)).toEqual(records.map((_, index) => index % 2 === 1))
          expect(await imports.held([...odd.toReversed(), ...odd])).toEqual(all([...odd, ...odd], true))
          await imports.add(records)
          expect(await imports.held(records)).toEqual(all(records, true))
          expect(await imports.held((await history(messages(1))).records)).toEqual([false, false])
          expect(await store.records(process, head.firstNonce, head.next - 1)).toEqual(records.map(plain))
        },
      )

      it('does not hold what is not found, or not refused a second time', async () => {
        const { imports } = open()
        const { records } = await history(messages(2))
        const [, one, two] = records
        if (!one || !two) throw new Error('no record')
        // As an import leaves them that ended between the records and their ids.
        const { assignmentId: _, ...unfound } = one
        await imports.add([unfound])
        expect(await imports.held([unfound, one, two])).toEqual([true, false, false])
        await imports.add([one])
        expect(await imports.held([one])).toEqual([true])
        const hashed = { ...one, deepHash: randomHash() }
        expect(await imports.held([hashed])).toEqual([false])
        await imports.add([hashed])
        expect(await imports.held([hashed, one])).toEqual([true, true])
      })

      it('holds an item twice where its lowest nonce has the row', async () => {
        const { imports } = open()
        const twice = await item('twice')
        const hash = randomHash()
        const entry = async (process: string): Promise<Entry> => ({
          process,
          kind: 'message',
          id: twice.id,
          item: twice,
          exclude: [],
          deepHash: { hash, claimed: false },
        })
        const { records } = await history([entry, entry])
        const [, first, second] = records
        if (!first || !second) throw new Error('no record')
        await imports.add([second])
        expect(await imports.held([first, second])).toEqual([false, true])
        await imports.add([first])
        expect(await imports.held([first, second])).toEqual([true, true])
      })

      it('fails where something else is there, as adding it does', async () => {
        const { imports } = open()
        const { records } = await history(messages(2))
        const [, one, two] = records
        if (!one || !two) throw new Error('no record')
        await imports.add([one])
        for (const other of [
          { ...one, timestamp: one.timestamp + 1 },
          { ...one, id: two.id, ...(two.item && { item: two.item }) },
          { ...one, assignmentId: randomId() },
          { ...two, assignmentId: one.assignmentId ?? '' },
        ]) {
          const refusal = { code: 'already-scheduled', details: { place: { nonce: 1, timestamp: one.timestamp } } }
          await expect(imports.held([two, other])).rejects.toMatchObject(refusal)
          await expect(imports.add([other])).rejects.toMatchObject(refusal)
        }
      })
    })

    describe('of which assignments carry whole messages', () => {
      /** Of the oldest shape, with so many bytes of data in each message. */
      async function large(sizes: readonly number[]): Promise<History> {
        const { head, process, records } = await history([], false)
        for (const [nonce, bytes] of sizes.entries()) {
          const { id, raw } = await item('x'.repeat(bytes), process)
          const blob = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
          const outer = await open().signer.sign({
            tags: [{ name: 'Nonce', value: String(nonce) }],
            data: encodeBundle([{ id, raw }]),
          })
          records.push({
            process,
            nonce,
            kind: 'message',
            id,
            item: { id, blob, renderedBytes: raw.length + 1_000 },
            assignment: outer.raw,
            assignmentId: outer.id,
            timestamp: NOW,
            timeKey: NOW,
            blockHeight: HEIGHT,
          })
        }
        return { process, records, head: { ...head, next: sizes.length } }
      }

      /** All of them, asked for until they have come. */
      async function readAll({ process, head }: History) {
        const found: LogRecord[] = []
        while (head.firstNonce + found.length < head.next) {
          const some = await open().store.records(process, head.firstNonce + found.length, head.next - 1)
          expect(some.length).toBeGreaterThan(0)
          found.push(...some)
        }
        return found
      }

      it('holds them byte by byte, however large, and knows them again', async () => {
        const { imports, store } = open()
        // Around the size of a row, of a chunk, and what a message may have.
        const story = await large([408_000, 409_500, 411_000, 700_000, 2_000, 5_000_000, 10_000_000, 398_000])
        expect(await imports.held(story.records)).toEqual(story.records.map(() => false))
        await imported(story)
        expect(await imports.held(story.records)).toEqual(story.records.map(() => true))
        await imports.add(story.records)
        const found = await readAll(story)
        expect(found.map(digested)).toEqual(story.records.map(plain).map(digested))
        for (const { assignmentId = '', nonce } of story.records.slice(1)) {
          expect(await store.find(assignmentId)).toMatchObject([{ kind: 'assignment', place: { nonce } }])
        }
        expect(await store.timeKeys(story.process, [0, 6, 2])).toEqual([NOW, NOW, NOW])
      }, 60_000)

      it('adds them side by side', async () => {
        const { imports } = open()
        const story = await large([450_000, 800_000])
        await imports.begin(story.head)
        await Promise.all([imports.add(story.records), imports.add(story.records), imports.add(story.records)])
        expect((await readAll(story)).map(digested)).toEqual(story.records.map(plain).map(digested))
      })

      it('writes over none of them', async () => {
        const { imports } = open()
        const story = await large([600_000])
        await imports.add(story.records)
        const last = story.records[1]
        const [, other] = (await large([600_000])).records
        const [, small] = (await large([10])).records
        if (!last?.assignment || !other?.assignment || !small?.assignment) throw new Error('no record')
        const longer = Buffer.concat([last.assignment, Buffer.from('x')])
        for (const assignment of [other.assignment, small.assignment, longer]) {
          const refusal = { code: 'already-scheduled', details: { place: { nonce: 0, timestamp: NOW } } }
          await expect(imports.add([{ ...last, assignment }])).rejects.toMatchObject(refusal)
          await expect(imports.held([{ ...last, assignment }])).rejects.toMatchObject(refusal)
        }
        expect((await readAll(story)).map(digested)).toEqual(story.records.map(plain).map(digested))
      })
    })

    it('finishes what it began, if nobody else was there', async () => {
      const { imports, store } = open()
      const story = await history(messages(2))
      const { process, head } = story
      const final: Head = { ...head, state: 'frozen', awaits: 3 }
      expect(await imports.finish({ ...head, state: 'incomplete' }, final)).toBe(false)
      const begun = await imports.begin(head)
      expect(await imports.finish(begun, final)).toBe(true)
      expect(await imports.finish(begun, final)).toBe(true)
      expect(await imports.begin(head)).toEqual(final)
      // Who began as early comes too late with less.
      expect(await imports.finish(begun, { ...final, next: 1 })).toBe(false)
      expect(await imports.finish({ ...final, awaits: 2 }, { ...final, awaits: 5 })).toBe(false)
      expect(await store.head(process)).toEqual(final)
      const longer: Head = { ...final, next: final.next + 1, lastAssignment: randomBytes(32), awaits: 4 }
      expect(await imports.finish(final, longer)).toBe(true)
      expect(await imports.finish(final, { ...final, awaits: 6 })).toBe(false)
      await store.setState(process, 'frozen', 'open')
      expect(await imports.finish(longer, { ...longer, awaits: 6 })).toBe(false)
      expect(await store.head(process)).toEqual({ ...longer, state: 'open' })
    })
  })

  describe(`${name}, as a fence`, () => {
    it('freezes an open head for a later version only, and opens it for that one only', async () => {
      const { fence, store } = open()
      const { process } = await imported(await history(messages(1)), 'open')
      const stands = async (state: Head['state'], awaits: number) =>
        expect(await store.head(process)).toMatchObject({ state, awaits })
      expect(await fence.freeze(process, 3)).toBe(true)
      await stands('frozen', 3)
      // Again, and for a later one; never for an earlier one.
      expect(await fence.freeze(process, 3)).toBe(true)
      expect(await fence.freeze(process, 5)).toBe(true)
      expect(await fence.freeze(process, 4)).toBe(false)
      expect(await fence.open(process, 3)).toBe(false)
      expect(await fence.open(process, 6)).toBe(false)
      await stands('frozen', 5)
      expect(await fence.open(process, 5)).toBe(true)
      expect(await fence.open(process, 5)).toBe(true)
      await stands('open', 5)
      // Who was to freeze it for that version is too late.
      expect(await fence.freeze(process, 5)).toBe(false)
      expect(await fence.freeze(process, 4)).toBe(false)
      await stands('open', 5)
      expect(await fence.freeze(process, 6)).toBe(true)
      expect(await fence.open(process, 5)).toBe(false)
      await stands('frozen', 6)
    })

    it('lets no commit through, and all again once it is open; commits leave the mark alone', async () => {
      const { fence, store } = open()
      const head = await imported(await history(messages(1)), 'open')
      const { process } = head
      const commit = await commitOf(head, [await message(process)])
      await fence.freeze(process, 2)
      expect(await store.commit(commit)).toMatchObject({ kind: 'head-moved', head: { state: 'frozen', awaits: 2 } })
      await fence.open(process, 2)
      expect(await store.commit({ ...commit, token: randomUUID() })).toEqual({ kind: 'committed' })
      expect(await store.head(process)).toEqual({ ...commit.to, awaits: 2 })
    })

    it('opens what was frozen by other means only where it never was frozen to be moved', async () => {
      const { fence, store } = open()
      const { process } = await imported(await history(messages(1)), 'frozen')
      expect(await fence.open(process, undefined)).toBe(true)
      expect(await fence.open(process, undefined)).toBe(true)
      expect(await store.head(process)).toMatchObject({ state: 'open' })
      expect((await store.head(process))?.awaits).toBeUndefined()
      // By hand, and whoever would open it is too late: it is being moved by now.
      expect(await store.setState(process, 'open', 'frozen')).toBe(true)
      expect(await fence.open(process, undefined)).toBe(true)
      await fence.freeze(process, 3)
      expect(await fence.open(process, undefined)).toBe(false)
      // What was moved keeps its mark when it is frozen by hand.
      await fence.open(process, 3)
      expect(await store.setState(process, 'open', 'frozen')).toBe(true)
      expect(await fence.open(process, undefined)).toBe(false)
      expect(await fence.open(process, 3)).toBe(true)
      const begun = await open().imports.begin((await history(messages(1))).head)
      expect(await fence.open(begun.process, undefined)).toBe(false)
      expect(await fence.open(randomId(), undefined)).toBe(false)
    })

    it('touches nothing that was frozen by other means, is incomplete, or is not there', async () => {
      const { fence, store, imports } = open()
      const story = await history(messages(1))
      expect(await fence.freeze(story.process, 2)).toBe(false)
      expect(await fence.open(story.process, 2)).toBe(false)
      expect(await store.head(story.process)).toBeUndefined()
      const begun = await imports.begin(story.head)
      expect(await fence.freeze(story.process, 2)).toBe(false)
      expect(await fence.open(story.process, 2)).toBe(false)
      expect(await store.head(story.process)).toEqual(begun)
      const other = await imported(await history(messages(1)))
      expect(await fence.freeze(other.process, 2)).toBe(false)
      expect(await fence.open(other.process, 2)).toBe(false)
      expect(await store.head(other.process)).toEqual(other)
    })
  })
}
