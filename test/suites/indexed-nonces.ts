/** What every index does that is asked what it knows of nonces, fake or real (core/ports/restore-sources.ts). */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { MetadataIndex, RecordMetadata } from '../../core/ports/metadata-index.ts'
import type { IndexedNonces } from '../../core/ports/restore-sources.ts'

export interface IndexedNoncesUnderTest {
  index: MetadataIndex
  nonces: IndexedNonces
}

const randomId = () => randomBytes(32).toString('base64url')

/** So many rows, from the process's own on. */
const rowsOf = (process: string, firstNonce: 0 | -1, next: number): RecordMetadata[] =>
  Array.from({ length: next - firstNonce }, (_, position) => {
    const nonce = firstNonce + position
    const timestamp = 1_700_000_000_000 + nonce
    return {
      process,
      nonce,
      kind: nonce === firstNonce ? 'process' : nonce % 2 === 0 ? 'message' : 'transaction',
      id: nonce === firstNonce ? process : randomId(),
      ...(nonce >= 0 && { assignmentId: randomId() }),
      timestamp,
      timeKey: timestamp,
      blockHeight: 1_800_000 + nonce,
      tags: [{ name: 'a', value: 'b' }],
    }
  })

const known = ({ nonce, kind, id, assignmentId, timestamp, blockHeight }: RecordMetadata) => ({
  nonce,
  kind,
  id,
  timestamp,
  blockHeight,
  ...(assignmentId !== undefined && { assignmentId }),
})

export function indexedNoncesSuite(name: string, open: () => IndexedNoncesUnderTest): void {
  async function indexed(firstNonce: 0 | -1, next: number): Promise<RecordMetadata[]> {
    const rows = rowsOf(randomId(), firstNonce, next)
    await open().index.index(rows)
    return rows
  }

  const ends = async (): Promise<Map<string, number>> => {
    const found = new Map<string, number>()
    for await (const page of open().nonces.ends()) {
      for (const { process, nonce } of page) {
        expect(found.has(process)).toBe(false)
        found.set(process, nonce)
      }
    }
    return found
  }

  describe(`${name}, as what knows of nonces`, () => {
    it('tells the last nonce of every process', async () => {
      const all = await Promise.all([indexed(0, 5), indexed(-1, 3), indexed(-1, 0), indexed(0, 1)])
      const found = await ends()
      expect(all.map(([row]) => found.get(row?.process ?? ''))).toEqual([4, 2, -1, 0])
    })

    it('tells what it knows of some of them', async () => {
      const rows = await indexed(-1, 9)
      const process = rows[0]?.process ?? ''
      const { nonces } = open()
      expect(await nonces.between(process, -1, 0)).toEqual(rows.slice(0, 2).map(known))
      expect(await nonces.between(process, 3, 5)).toEqual(rows.slice(4, 7).map(known))
      expect(await nonces.between(process, 8, 100)).toEqual(rows.slice(9).map(known))
      expect(await nonces.between(process, 9, 100)).toEqual([])
      expect(await nonces.between(randomId(), -1, 100)).toEqual([])
    })

    it('counts what it knows of several ranges', async () => {
      const [one, other] = [await indexed(-1, 9), await indexed(0, 6)]
      const process = one[0]?.process ?? ''
      const second = other[0]?.process ?? ''
      const { nonces } = open()
      await nonces.forget(second, 5)
      const unknown = randomId()
      expect(
        await nonces.counts([
          { process, from: -1, next: 4 },
          { process: second, from: 0, next: 6 },
          { process: unknown, from: 0, next: 6 },
          { process, from: 4, next: 9 },
          { process, from: 5, next: 5 },
        ]),
      ).toEqual([
        { rows: 5, last: 8, listed: true },
        { rows: 5, last: 4, listed: true },
        { rows: 0, listed: false },
        { rows: 5, last: 8, listed: true },
        { rows: 0, last: 8, listed: true },
      ])
      expect(await nonces.counts([])).toEqual([])
    })

    it('forgets what is lost, and can be told anew', async () => {
      const { nonces, index } = open()
      const rows = await indexed(0, 6)
      const other = await indexed(0, 6)
      const process = rows[0]?.process ?? ''
      await nonces.forget(process, 4)
      expect(await nonces.between(process, 0, 10)).toEqual(rows.slice(0, 4).map(known))
      expect((await ends()).get(process)).toBe(3)
      const [fresh] = rowsOf(process, 0, 5).slice(4)
      if (!fresh) throw new Error('no row')
      await index.index([fresh])
      expect(await nonces.between(process, 4, 10)).toEqual([known(fresh)])
      await nonces.forget(process, 0)
      expect((await ends()).has(process)).toBe(false)
      expect(await nonces.between(other[0]?.process ?? '', 0, 10)).toEqual(other.map(known))
    })

    it('keeps a process without an assignment, whose messages are lost', async () => {
      const { nonces } = open()
      const rows = await indexed(-1, 3)
      const process = rows[0]?.process ?? ''
      await nonces.forget(process, 0)
      expect((await ends()).get(process)).toBe(-1)
      await nonces.forget(process, -1)
      expect((await ends()).has(process)).toBe(false)
    })
  })
}
