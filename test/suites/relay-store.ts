/** What every memory of the relay does (core/ports/relay-store.ts), whether fake or real. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Marker, Owed, Progress, RelayStore } from '../../core/ports/relay-store.ts'

export interface RelayStoreWorld {
  store: RelayStore
  /** What the log does: a head that begins or moves. */
  moveHead(process: string, next: number, firstNonce?: 0 | -1): Promise<void>
}

const randomId = () => randomBytes(32).toString('base64url')

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

export function relayStoreBehaviours(name: string, world: () => RelayStoreWorld): void {
  const store = () => world().store
  const owed = (process: string, nonce: number, more: Partial<Owed> = {}): Owed => ({
    process,
    sink: 'upload',
    nonce,
    part: 'item',
    id: randomId(),
    reason: 'status 413: too large',
    since: 1_700_000_000_000,
    tries: 3,
    next: 1_700_000_060_000,
    ...more,
  })
  const markerOf = async (process: string) => (await all(store().markers())).find((one) => one.process === process)
  // The list of markers may lag: the reconciler reads it cheaply, and replaces only what still is as it was read.
  const markerIs = (process: string) => expect.poll(() => markerOf(process), { timeout: 10_000 })

  describe(`${name}, as the relay's memory`, () => {
    it('knows the head of a process, and nothing of one that is not there', async () => {
      const process = randomId()
      expect(await store().progress(process)).toBeUndefined()
      await world().moveHead(process, 0, -1)
      expect(await store().progress(process)).toEqual({
        process,
        next: 0,
        firstNonce: -1,
        timestamp: 1,
        done: {},
        trouble: {},
      })
      await world().moveHead(process, 7, -1)
      expect(await store().progress(process)).toMatchObject({ process, next: 7, firstNonce: -1 })
    })

    it('moves a watermark only from where it is said to stand, each sink by itself', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      expect(await store().advance(process, { upload: { from: 0, to: 3 } })).toBe(false)
      expect(await store().advance(process, { upload: { from: undefined, to: 3 } })).toBe(true)
      expect(await store().advance(process, { upload: { from: undefined, to: 4 } })).toBe(false)
      expect(await store().advance(process, { upload: { from: 3, to: 5 } })).toBe(true)
      expect(await store().advance(process, { metadata: { from: 5, to: 6 } })).toBe(false)
      expect(await store().advance(process, { metadata: { from: undefined, to: 10 } })).toBe(true)
      expect(await store().advance(process, { segments: { from: undefined, to: 256 } })).toBe(true)
      expect((await store().progress(process))?.done).toEqual({ upload: 5, metadata: 10, segments: 256 })
    })

    it('lets one of several move it', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      for (const from of [undefined, 1]) {
        const to = (from ?? 0) + 1
        const moved = await Promise.all(
          Array.from({ length: 8 }, () => store().advance(process, { upload: { from: from, to: to } })),
        )
        expect(moved.filter(Boolean)).toHaveLength(1)
      }
    })

    it('moves several watermarks at once, or none of them', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      expect(await store().advance(process, { upload: { from: undefined, to: 5 } })).toBe(true)
      const both = (from: number | undefined) => ({ upload: { from, to: 6 }, metadata: { from: undefined, to: 6 } })
      expect(await store().advance(process, both(4))).toBe(false)
      expect((await store().progress(process))?.done).toEqual({ upload: 5 })
      expect(await store().advance(process, both(5))).toBe(true)
      expect((await store().progress(process))?.done).toEqual({ upload: 6, metadata: 6 })
    })

    it('keeps the trouble of a sink until its watermark moves', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      const trouble = { nonce: 3, reason: 'status 503', since: 1_700_000_000_000 }
      await store().noteTrouble(process, 'upload', trouble)
      await store().noteTrouble(process, 'metadata', { ...trouble, nonce: 4 })
      expect((await store().progress(process))?.trouble).toEqual({
        upload: trouble,
        metadata: { ...trouble, nonce: 4 },
      })
      await store().advance(process, { upload: { from: undefined, to: 4 } })
      expect((await store().progress(process))?.trouble).toEqual({ metadata: { ...trouble, nonce: 4 } })
    })

    it('goes through every process, at once or a slice at a time, whatever else is kept of it', async () => {
      const processes = Array.from({ length: 30 }, randomId)
      for (const [n, process] of processes.entries()) {
        await world().moveHead(process, n, n % 2 === 0 ? 0 : -1)
        if (n % 3 === 0) await store().advance(process, { upload: { from: undefined, to: n } })
        if (n % 5 === 0) await store().owe([owed(process, 0)])
        if (n % 7 === 0) await store().wake(process)
      }
      await store().wake(randomId())
      await store().mark(randomId(), 1)
      const seen = new Map((await all(store().scan())).map((progress) => [progress.process, progress]))
      const sliced = new Map<string, Progress>()
      const owing = new Set<string>()
      for (let slices = 0; slices < 50 && processes.some((process) => !sliced.has(process)); slices++) {
        const slice = await store().slice()
        for (const progress of slice.processes) sliced.set(progress.process, progress)
        for (const process of slice.owing) owing.add(process)
      }
      for (const [n, process] of processes.entries()) {
        const firstNonce = n % 2 === 0 ? 0 : -1
        const expected: Progress = { process, next: n, firstNonce, timestamp: 1, done: {}, trouble: {} }
        if (n % 3 === 0) expected.done.upload = n
        expect(seen.get(process)).toEqual(expected)
        expect(sliced.get(process)).toEqual(expected)
        expect(owing.has(process)).toBe(n % 5 === 0)
      }
    })

    it('keeps what is owed until it is settled, the latest reason of each, and marks its process', async () => {
      const process = randomId()
      const { next: _, ...letter } = owed(process, 20)
      const parts = [
        owed(process, -1),
        owed(process, 3, { next: 1_700_000_030_000 }),
        owed(process, 3, { part: 'assignment' }),
        owed(process, 3, { sink: 'metadata', part: 'record' }),
        letter,
      ]
      await store().owe(parts)
      await store().owe([owed(randomId(), 3)])
      const again = { ...owed(process, 3), reason: 'status 402: no credit', tries: 4 }
      await store().owe([again])
      const listed = async () => new Set(await all(store().owed(process)))
      expect(await listed()).toEqual(new Set([parts[0], again, parts[2], parts[3], letter]))
      await markerIs(process).toMatchObject({ at: 1_700_000_000_000 })
      await store().settle({ process, sink: 'upload', nonce: 3, part: 'item' })
      await store().settle({ process, sink: 'upload', nonce: 3, part: 'item' })
      expect(await listed()).toEqual(new Set([parts[0], parts[2], parts[3], letter]))
      // Nothing of this is progress.
      expect(await store().progress(process)).toBeUndefined()
    })

    it('keeps many owed parts at once', async () => {
      const process = randomId()
      await store().owe(Array.from({ length: 60 }, (_, nonce) => owed(process, nonce)))
      expect(await all(store().owed(process))).toHaveLength(60)
    })

    it('keeps a marker at its earliest time, and replaces it only where it still is as it was read', async () => {
      const process = randomId()
      await store().mark(process, 200)
      await store().mark(process, 100)
      await store().mark(process, 300)
      const marked: Marker = { process, at: 100, owed: 0, deadLetters: 0, behind: {} }
      await markerIs(process).toEqual(marked)
      const next: Marker = { process, at: 500, owed: 2, deadLetters: 1, behind: { upload: 7 } }
      await store().remark(process, 99, next)
      await markerIs(process).toEqual(marked)
      await store().remark(process, 100, next)
      await markerIs(process).toEqual(next)
      await store().mark(process, 400)
      await store().remark(process, 500, undefined)
      await markerIs(process).toEqual({ ...next, at: 400 })
      await store().remark(process, 400, undefined)
      await markerIs(process).toBeUndefined()
    })
  })
}
