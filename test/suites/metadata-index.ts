/** What every index of metadata does (core/ports/metadata-index.ts), whether fake or real. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MetadataIndex, RecordMetadata, TimeIndex } from '../../core/ports/metadata-index.ts'

export interface MetadataWorld {
  index: MetadataIndex
  times: TimeIndex
  /** Nonces of a process that the index holds, rising. */
  nonces(process: string): Promise<number[]>
  /** From now on the index does not answer. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

export const randomId = (): string => randomBytes(32).toString('base64url')

export const metadataOf = (process: string, nonce: number, more: Partial<RecordMetadata> = {}): RecordMetadata => ({
  process,
  nonce,
  kind: nonce > 0 ? 'message' : 'process',
  id: nonce > 0 ? randomId() : process,
  assignmentId: randomId(),
  owner: randomId(),
  target: process,
  bytes: 1500,
  timestamp: 1000 + nonce * 10,
  timeKey: 1000 + nonce * 10,
  blockHeight: 1_800_000,
  tags: [{ name: 'Action', value: 'Test' }],
  ...more,
})

/** Tags as no client should send them, and as anybody may. */
export const oddTags: Record<string, RecordMetadata['tags']> = {
  none: [],
  'a NUL': [{ name: 'A\0B', value: '\0' }],
  'half a surrogate pair': [{ name: '\ud83d', value: 'x\ude00y' }],
  'a value of 3 KB': [{ name: 'Note', value: randomBytes(1536).toString('hex') }],
  'a value of 3 MB': [{ name: 'Note', value: randomBytes(1_500_000).toString('hex') }],
  'a name of 1 MB': [{ name: randomBytes(500_000).toString('hex'), value: 'x' }],
  'a pair that the limit cuts in two': [{ name: 'Note', value: `${'x'.repeat(8191)}😀` }],
  '10,000 tags': Array.from({ length: 10_000 }, (_, n) => ({ name: `Name-${n}`, value: `${n}` })),
  '10,000 empty tags': Array.from({ length: 10_000 }, () => ({ name: '', value: '' })),
  'names of object members': ['__proto__', 'constructor', 'toString', 'length'].map((name) => ({ name, value: name })),
  'what looks like SQL and JSON': [{ name: `'; drop table messages; --`, value: '"}]\\u0000\\' }],
}

export function metadataBehaviours(name: string, open: () => Promise<MetadataWorld>): void {
  describe(`${name}, as an index of metadata`, () => {
    let world: MetadataWorld
    beforeAll(async () => {
      world = await open()
    }, 60_000)
    afterAll(() => world.close())

    it('holds each record once, however often and in whatever order it comes', async () => {
      const process = randomId()
      const records = [0, 1, 2, 3].map((nonce) => metadataOf(process, nonce))
      await world.index.index(records.toReversed())
      await world.index.index(records)
      await Promise.all([world.index.index(records), world.index.index([...records, ...records])])
      expect(await world.nonces(process)).toEqual([0, 1, 2, 3])
    })

    it('replaces a row that says something else', async () => {
      const process = randomId()
      await world.index.index([metadataOf(process, 0), metadataOf(process, 1, { timeKey: 2000 })])
      await world.index.index([metadataOf(process, 0), metadataOf(process, 1, { timeKey: 3000 })])
      expect(await world.nonces(process)).toEqual([0, 1])
      expect(await world.times.lastNonceUpTo(process, 2500)).toBe(0)
    })

    it('takes records of several processes, none, and many at once', async () => {
      const [one, other] = [randomId(), randomId()]
      const many = Array.from({ length: 600 }, (_, nonce) => metadataOf(one, nonce))
      await world.index.index([])
      await world.index.index([metadataOf(other, -1), ...many, metadataOf(other, 0, { kind: 'message' })])
      expect(await world.nonces(one)).toHaveLength(600)
      expect(await world.nonces(other)).toEqual([-1, 0])
    })

    it('takes a record with nothing but its place', async () => {
      const process = randomId()
      const { nonce, kind, id, timestamp, timeKey, blockHeight } = metadataOf(process, 5, { kind: 'transaction' })
      await world.index.index([{ process, nonce, kind, id, timestamp, timeKey, blockHeight, tags: [] }])
      expect(await world.nonces(process)).toEqual([5])
    })

    for (const [what, tags] of Object.entries(oddTags)) {
      it(`takes ${what}`, async () => {
        const process = randomId()
        await world.index.index([
          metadataOf(process, 0, { tags }),
          metadataOf(process, 1),
          metadataOf(process, 2, { tags }),
        ])
        expect(await world.nonces(process)).toEqual([0, 1, 2])
      })
    }

    it('takes numbers that no clock and no chain will reach', async () => {
      const process = randomId()
      const large = [Number.MAX_SAFE_INTEGER, 2 ** 62, 1e300, -1, 0.5]
      await world.index.index(
        large.map((number, n) =>
          metadataOf(process, n + 1, { timestamp: number, timeKey: number, blockHeight: number, bytes: number }),
        ),
      )
      expect(await world.nonces(process)).toEqual([1, 2, 3, 4, 5])
    })

    it('finds the last nonce up to a time', async () => {
      const process = randomId()
      const keys = [100, 200, 200, 200, 300]
      await world.index.index(
        keys.map((timeKey, n) => metadataOf(process, n, { timeKey, timestamp: n === 3 ? 150 : timeKey })),
      )
      await world.index.index([metadataOf(randomId(), 9, { timeKey: 150 })])
      const asked: [number, number | undefined][] = [
        [99, undefined],
        [100, 0],
        [199.9, 0],
        [200, 3],
        [299, 3],
        [300, 4],
        [2 ** 63, 4],
        [-(2 ** 63), undefined],
        [Number.POSITIVE_INFINITY, 4],
        [Number.NaN, undefined],
      ]
      for (const [timestamp, nonce] of asked) {
        expect([timestamp, await world.times.lastNonceUpTo(process, timestamp)]).toEqual([timestamp, nonce])
      }
    })

    it('knows nothing of a process that it has not seen', async () => {
      expect(await world.times.lastNonceUpTo(randomId(), 1e15)).toBeUndefined()
    })

    it('says that it is away, and takes up where it was', async () => {
      const process = randomId()
      await world.index.index([metadataOf(process, 0)])
      await world.goAway()
      await expect(world.index.index([metadataOf(process, 1)])).rejects.toMatchObject({ code: 'unavailable' })
      expect(await world.times.lastNonceUpTo(process, 1e15)).toBeUndefined()
      await world.comeBack()
      await world.index.index([metadataOf(process, 1)])
      expect(await world.nonces(process)).toEqual([0, 1])
    })
  })
}
