/** What every memory of the relay does (core/ports/relay-store.ts), whether fake or real. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Progress, RelayStore, SetAside } from '../../core/ports/relay-store.ts'

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
  const setAside = (process: string, nonce: number, part: SetAside['part'] = 'item'): SetAside => ({
    process,
    nonce,
    part,
    id: randomId(),
    reason: 'status 400: no',
    at: 1_700_000_000_000,
  })

  describe(`${name}, as the relay's memory`, () => {
    it('knows the head of a process, and nothing of one that is not there', async () => {
      const process = randomId()
      expect(await store().progress(process)).toBeUndefined()
      await world().moveHead(process, 0, -1)
      expect(await store().progress(process)).toEqual({ process, next: 0, firstNonce: -1, done: {} })
      await world().moveHead(process, 7, -1)
      expect(await store().progress(process)).toEqual({ process, next: 7, firstNonce: -1, done: {} })
    })

    it('moves a watermark only from where it is said to stand, each effect by itself', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      expect(await store().advance(process, 'upload', 0, 3)).toBe(false)
      expect(await store().advance(process, 'upload', undefined, 3)).toBe(true)
      expect(await store().advance(process, 'upload', undefined, 4)).toBe(false)
      expect(await store().advance(process, 'upload', 3, 5)).toBe(true)
      expect(await store().advance(process, 'metadata', 5, 6)).toBe(false)
      expect(await store().advance(process, 'metadata', undefined, 10)).toBe(true)
      expect(await store().advance(process, 'segments', undefined, 256)).toBe(true)
      expect((await store().progress(process))?.done).toEqual({ upload: 5, metadata: 10, segments: 256 })
    })

    it('lets one of several move it', async () => {
      const process = randomId()
      await world().moveHead(process, 10)
      for (const from of [undefined, 1]) {
        const to = (from ?? 0) + 1
        const moved = await Promise.all(Array.from({ length: 8 }, () => store().advance(process, 'upload', from, to)))
        expect(moved.filter(Boolean)).toHaveLength(1)
      }
    })

    it('goes through every process, whatever else is kept of it', async () => {
      const processes = Array.from({ length: 30 }, randomId)
      for (const [n, process] of processes.entries()) {
        await world().moveHead(process, n, n % 2 === 0 ? 0 : -1)
        if (n % 3 === 0) await store().advance(process, 'upload', undefined, n)
        if (n % 5 === 0) await store().setAside(setAside(process, 0))
        if (n % 7 === 0) await store().wake(process)
      }
      await store().wake(randomId())
      const seen = new Map((await all(store().scan())).map((progress) => [progress.process, progress]))
      for (const [n, process] of processes.entries()) {
        const expected: Progress = { process, next: n, firstNonce: n % 2 === 0 ? 0 : -1, done: {} }
        if (n % 3 === 0) expected.done.upload = n
        expect(seen.get(process)).toEqual(expected)
      }
    })

    it('keeps what is set aside until it is removed, the latest reason of each', async () => {
      const process = randomId()
      const items = [
        setAside(process, -1),
        setAside(process, 3),
        setAside(process, 3, 'assignment'),
        setAside(process, 20),
      ]
      for (const item of items) await store().setAside(item)
      await store().setAside(setAside(randomId(), 3))
      const again = { ...setAside(process, 3), reason: 'status 422: still no' }
      await store().setAside(again)
      const listed = async () => {
        const mine = await all(store().listSetAside(process))
        const anyones = (await all(store().listSetAside())).filter((item) => item.process === process)
        expect(new Set(anyones)).toEqual(new Set(mine))
        return mine.sort((a, b) => a.nonce - b.nonce || b.part.localeCompare(a.part))
      }
      expect(await listed()).toEqual([items[0], again, items[2], items[3]])
      await store().removeSetAside({ process, nonce: 3, part: 'item' })
      await store().removeSetAside({ process, nonce: 3, part: 'item' })
      expect(await listed()).toEqual([items[0], items[2], items[3]])
      // Nothing of this is progress.
      expect(await store().progress(process)).toBeUndefined()
    })
  })
}
