/** What readers of large bodies share, and that what they hold at once is bounded. */
import { hash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { BlobRef } from '../../../core/ports/blob-store.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import { createBodyReads, openBodies } from '../../../core/read/bodies.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'

const BYTES = 1_000

async function stored(count: number) {
  const blobs = new FakeBlobStore()
  const refs: BlobRef[] = []
  for (let index = 0; index < count; index++) {
    const raw = Buffer.alloc(BYTES, index)
    const ref = { id: `blob ${index}`, sha256: hash('sha256', raw, 'buffer'), bytes: BYTES }
    await blobs.put(ref, raw)
    refs.push(ref)
  }
  const reads: string[] = []
  blobs.faults = { before: ({ name }) => void reads.push(name) }
  const clock = new VirtualClock()
  const open = (heldBytes: number, keptBytes = BYTES) =>
    createBodyReads({ blobs, meter: noMeter, clock }, { heldBytes, keptBytes })
  return { blobs, refs, reads, clock, open }
}

describe('bodies', () => {
  it('are read once for all who read them at the same time, and soon after', async () => {
    const { refs, reads, open } = await stored(2)
    const [one, other] = refs
    if (!one || !other) throw new Error('no blobs')
    const bodies = open(BYTES)
    const held = await Promise.all(Array.from({ length: 64 }, () => bodies.hold(one)))
    expect(new Set(held.map(({ raw }) => raw)).size).toBe(1)
    for (const body of held) body.release()
    const again = await bodies.hold(one)
    expect(reads).toHaveLength(1)
    again.release()
    again.release()
    ;(await bodies.hold(other)).release()
    expect(reads).toHaveLength(2)
  })

  it('take no more bytes at once than are set, however many pages there are, and all come', async () => {
    const { refs, clock, open } = await stored(60)
    const inner = open(5 * BYTES)
    let now = 0
    let most = 0
    const bodies: typeof inner = {
      async hold(ref) {
        const body = await inner.hold(ref)
        now += BYTES
        most = Math.max(most, now)
        let isHeld = true
        const release = () => {
          if (isHeld) now -= BYTES
          isHeld = false
          body.release()
        }
        return { raw: body.raw, release }
      },
    }
    const page = async (own: readonly BlobRef[]) => {
      const opened = await openBodies({ bodies }, own)
      for (const { sha256 } of own) {
        const raw = await opened.next()
        await clock.sleep(10)
        expect(hash('sha256', raw, 'buffer')).toEqual(sha256)
      }
      await opened.close()
    }
    await clock.run(Promise.all(Array.from({ length: 20 }, (_, index) => page(refs.slice(3 * index, 3 * index + 3)))))
    expect(most).toBeLessThanOrEqual(5 * BYTES)
    expect(now).toBe(0)
  })

  it('that are larger than all that may be held come one at a time', async () => {
    const { refs, clock, open } = await stored(5)
    const bodies = open(10)
    const all = refs.map(async (ref) => {
      const body = await bodies.hold(ref)
      await clock.sleep(10)
      body.release()
    })
    await clock.run(Promise.all(all))
  })

  it('are refused where others hold theirs for too long, and those behind still come', async () => {
    const { refs, clock, open } = await stored(3)
    const [one, other, third] = refs
    if (!one || !other || !third) throw new Error('no blobs')
    const bodies = open(BYTES)
    const held = await bodies.hold(one)
    await expect(clock.run(bodies.hold(other))).rejects.toMatchObject({ code: 'unavailable' })
    const waiting = bodies.hold(third)
    held.release()
    ;(await waiting).release()
  })

  it('that could not be read are read again, and nothing stays held', async () => {
    const { blobs, refs, open } = await stored(2)
    const [one, other] = refs
    if (!one || !other) throw new Error('no blobs')
    const bodies = open(BYTES)
    let left = 1
    blobs.faults = {
      before: () => {
        if (left-- > 0) throw new Error('away')
      },
    }
    await expect(bodies.hold(one)).rejects.toMatchObject({ code: 'unavailable' })
    ;(await bodies.hold(one)).release()
    ;(await bodies.hold(other)).release()
  })

  it('of a page that its reader leaves are released', async () => {
    const { refs, clock, open } = await stored(6)
    const bodies = open(6 * BYTES)
    const page = await openBodies({ bodies }, refs.slice(0, 5))
    await page.next()
    await page.close()
    const all = Promise.all(refs.map((ref) => bodies.hold(ref)))
    expect(await clock.run(all)).toHaveLength(6)
  })
})
