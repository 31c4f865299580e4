import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { compareUtf8, createTransactionHasher, messageDeepHash } from '../../../core/protocol/message-deep-hash.ts'
import vectors from '../../data/deep-hash/dedup-vectors.json' with { type: 'json' }
import { runs } from '../../effort.ts'
import { bytes, bytes32, tag, tags, text } from '../ans104/arbitraries.ts'
import { recordedItem } from '../ans104/recorded.ts'

const none = Buffer.alloc(0)
const fields = fc.record({
  target: fc.constantFrom(none, Buffer.alloc(32, 1)),
  anchor: bytes(40),
  tags,
  data: bytes(400),
})
const pushedFor = text(40).map((value) => ({ name: 'Pushed-For', value }))

describe('the deep hash of a message', () => {
  it.each(vectors)('is the reference’s: $case', ({ hex, base64url, ordered }) => {
    const raw = hex === undefined ? Buffer.from(base64url ?? '', 'base64url') : Buffer.from(hex, 'hex')
    expect(messageDeepHash(parseDataItem(raw))).toBe(ordered)
  })

  it('knows a recorded message again that was pushed for another one, or has its tags in another order', () => {
    const hash = messageDeepHash(recordedItem('msgPushed'))
    expect(messageDeepHash(recordedItem('msgPushedAgain'))).toBe(hash)
    expect(messageDeepHash(recordedItem('msgPushedReordered'))).toBe(hash)
    expect(messageDeepHash(recordedItem('msgPushedOther'))).not.toBe(hash)
  })

  it('is the same for any order of the tags', () => {
    const permuted = tags.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    )
    fc.assert(
      fc.property(fields, permuted, (item, [list, shuffled]) => {
        expect(messageDeepHash({ ...item, tags: shuffled })).toBe(messageDeepHash({ ...item, tags: list }))
      }),
    )
  })

  it('does not depend on Pushed-For, except that only such tags are not the same as none', () => {
    fc.assert(
      fc.property(fields, tag, fc.array(pushedFor, { minLength: 1, maxLength: 3 }), (item, one, pushed) => {
        const some = [...item.tags, one]
        expect(messageDeepHash({ ...item, tags: [...pushed, ...some] })).toBe(messageDeepHash({ ...item, tags: some }))
        expect(messageDeepHash({ ...item, tags: pushed })).not.toBe(messageDeepHash({ ...item, tags: [] }))
      }),
    )
  })

  it('does depend on everything else', () => {
    fc.assert(
      fc.property(fields, tag, (item, one) => {
        const hash = messageDeepHash(item)
        const grown = one.name === 'Pushed-For' ? { name: 'other', value: one.value } : one
        expect(messageDeepHash({ ...item, tags: [...item.tags, grown] })).not.toBe(hash)
        expect(messageDeepHash({ ...item, data: Buffer.concat([item.data, Buffer.alloc(1)]) })).not.toBe(hash)
        expect(messageDeepHash({ ...item, anchor: Buffer.concat([item.anchor, Buffer.alloc(1)]) })).not.toBe(hash)
        expect(messageDeepHash({ ...item, target: Buffer.alloc(32, 2) })).not.toBe(hash)
      }),
    )
  })

  it('leaves the item’s tags in their order', () => {
    const item = recordedItem('msgPushedReordered')
    const before = structuredClone(item.tags)
    messageDeepHash(item)
    expect(item.tags).toEqual(before)
  })

  it('is the same when the fields come from a gateway and the data as a stream', () => {
    fc.assert(
      fc.property(fields, bytes32, fc.array(bytes(100), { maxLength: 6 }), (item, recipient, chunks) => {
        const hasher = createTransactionHasher({ recipient, anchor: item.anchor, tags: item.tags })
        for (const chunk of chunks) hasher.update(chunk)
        const whole = { ...item, target: recipient, data: Buffer.concat(chunks) }
        expect(hasher.digest()).toBe(messageDeepHash(whole))
      }),
    )
  })
})

describe('the order of texts', () => {
  it('is that of their UTF-8 bytes', () => {
    const near = fc.string({
      unit: fc.constantFrom(
        'a',
        'ż',
        '\uD7FF',
        '\uE000',
        '\uFFFD',
        '\uFFFF',
        '\u{10000}',
        '\u{1F680}',
        '\u{1F681}',
        '\u{10FFFF}',
      ),
      maxLength: 5,
    })
    const any = fc.oneof(text(6), near)
    fc.assert(
      fc.property(any, any, (one, other) => {
        expect(Math.sign(compareUtf8(one, other))).toBe(Buffer.compare(Buffer.from(one), Buffer.from(other)))
      }),
      { numRuns: runs(3_000, 1_000) },
    )
  })
})
