/** Items too large for a record: kept in the blob store before they are scheduled, and known by what they really are. */
import { createHash } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { signatureMessage } from '../../../core/ans104/signature.ts'
import { itemText } from '../../../core/read/render.ts'
import type { Unit } from '../../fakes/unit.ts'
import { A, recordedItem, recordedRaw, signedMessage, signedProcess } from './items.ts'
import { codeOf, idsOf, passTime, post, recordsOf, refusalOf, unitWithProcesses } from './scheduling.ts'

const inlineBytes = 2000
const unitWithBlobs = () => unitWithProcesses({ rules: { inlineBytes } })

const bytesLong = async (bytes: number) => {
  const { raw } = await signedMessage()
  return signedMessage({ data: Buffer.alloc(bytes - raw.length, 0xff) })
}

const breaking = (unit: Unit, port: 'put' | 'get') => {
  unit.blobs.faults = {
    before: ({ name }) => {
      if (name === port) throw new Error('away')
    },
  }
}

describe('an item', () => {
  it('that fits rides in its record', async () => {
    const unit = await unitWithBlobs()
    const item = await bytesLong(inlineBytes)
    await post(unit, item)
    expect((await recordsOf(unit))[1]?.item).toEqual({ id: item.id, raw: item.raw })
    expect(unit.blobs.size).toBe(0)
  })

  it('that does not is kept by digest, and its record says how long it will be in a page', async () => {
    const unit = await unitWithBlobs()
    const item = await bytesLong(inlineBytes + 1)
    await post(unit, item)
    const blob = { id: item.id, sha256: createHash('sha256').update(item.raw).digest(), bytes: item.raw.length }
    const renderedBytes = Buffer.byteLength(itemText({ kind: 'message' }, item.raw))
    expect((await recordsOf(unit))[1]?.item).toEqual({ id: item.id, blob, renderedBytes })
    expect(await unit.blobs.get(blob)).toEqual(item.raw)
  })

  it('that is a process is rendered as one', async () => {
    const unit = await unitWithBlobs()
    for (const data of [Buffer.alloc(3000, 0xff), Buffer.alloc(3000, 0x41)]) {
      const item = await signedProcess({ data })
      await post(unit, item)
      const [record] = await recordsOf(unit, item.id)
      expect(record?.item).toMatchObject({ renderedBytes: Buffer.byteLength(itemText({ kind: 'process' }, item.raw)) })
    }
  })

  it('is there before anything says that it is', async () => {
    const unit = await unitWithBlobs()
    await post(unit, await bytesLong(3000))
    expect(unit.calls.indexOf('blobs.put')).toBeGreaterThanOrEqual(0)
    expect(unit.calls.indexOf('blobs.put')).toBeLessThan(unit.calls.indexOf('store.commit'))
    unit.calls.length = 0
    await post(unit, await signedProcess({ data: Buffer.alloc(3000) }))
    expect(unit.calls.indexOf('blobs.put')).toBeGreaterThanOrEqual(0)
    expect(unit.calls.indexOf('blobs.put')).toBeLessThan(unit.calls.indexOf('store.spawn'))
  })

  it('is not scheduled while the blob store is away, and is afterwards', async () => {
    const unit = await unitWithBlobs()
    const message = await bytesLong(3000)
    const process = await signedProcess({ data: Buffer.alloc(3000) })
    breaking(unit, 'put')
    expect(await refusalOf(post(unit, message))).toMatchObject({ code: 'unavailable' })
    expect(await refusalOf(post(unit, process))).toMatchObject({ code: 'unavailable' })
    expect(await codeOf(post(unit, await bytesLong(1500)))).toBe('taken')
    expect(await unit.store.head(process.id)).toBeUndefined()
    expect(await unit.store.find(message.id)).toEqual([])
    unit.blobs.faults = {}
    await post(unit, message)
    await post(unit, process)
    expect(await idsOf(unit)).toContain(message.id)
    expect(await idsOf(unit, process.id)).toEqual([process.id])
  })

  it('is not scheduled when the blob store takes longer than the caller waits', async () => {
    const unit = await unitWithBlobs()
    unit.blobs.faults = { before: () => unit.clock.sleep(60_000) }
    const message = await bytesLong(3000)
    // Real signatures are checked in real time, which this clock does not wait for: only the slow part is left to it.
    const work = codeOf(post(unit, message))
    while (!unit.calls.includes('blobs.put')) await new Promise((resolve) => setTimeout(resolve, 1))
    expect(await unit.clock.run(work)).toBe('unavailable')
    await passTime(unit, 120_000)
    expect(await unit.store.find(message.id)).toEqual([])
  })
})

describe('an item with another’s signature', () => {
  // An id is the hash of a signature, so it is only as good as the signature's hold on the bytes: the owner's key is part
  // of what is signed, which is why the owner that fits the signature to another text can never be found by recovery.
  it('changes nothing of the item that has it', async () => {
    const unit = await unitWithBlobs()
    const original = recordedItem('msgEth')
    await post(unit, original.raw)
    const before = await recordsOf(unit)
    for (const forged of forgeries(original.raw)) {
      expect(parseDataItem(forged).id).toBe(original.id)
      expect(await codeOf(post(unit, forged))).toBe('invalid-item')
    }
    expect(unit.blobs.size).toBe(0)
    expect(await recordsOf(unit)).toEqual(before)
    expect(await idsOf(unit)).toEqual([A, original.id])
    expect(await codeOf(post(unit, recordedRaw('msgEth')))).toBe('taken')
  })
})

/** Items with the original's signature: other data, short and long, by the owner that recovery gives for them. */
function* forgeries(original: Buffer): Generator<Buffer> {
  // Type 3: two bytes of type, 65 of signature, 65 of owner.
  const [ownerAt, end] = [67, 132]
  for (const data of ['other data', 'x'.repeat(5000)]) {
    let forged = Buffer.concat([original, Buffer.from(data)])
    yield forged
    // Each owner that recovery gives changes what is signed, and with it what recovery gives: it never settles.
    for (let round = 0; round < 5; round++) {
      const owner = recoveredOwner(forged)
      forged = Buffer.concat([forged.subarray(0, ownerAt), owner, forged.subarray(end)])
      yield forged
    }
  }
}

/** The only owner for whom the item's signature would be right, were he not part of what is signed. */
function recoveredOwner(raw: Buffer): Buffer {
  const item = parseDataItem(raw)
  const message = signatureMessage(item)
  const signed = Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`), message])
  const recoverable = Buffer.concat([Buffer.from([(item.signature[64] ?? 0) - 27]), item.signature.subarray(0, 64)])
  const key = secp256k1.recoverPublicKey(recoverable, keccak_256(signed), { prehash: false })
  return Buffer.from(secp256k1.Point.fromBytes(key).toBytes(false))
}
