import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { blobHash, dataItemHash } from '../../../core/ans104/deep-hash.ts'
import { encodeTags, type Tag } from '../../../core/ans104/tags.ts'
import { createTransactionHasher, messageDeepHash } from '../../../core/protocol/message-deep-hash.ts'
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

/** Of an item with these tags. */
const hashOf = ({ tags, ...item }: { target: Buffer; anchor: Buffer; tags: Tag[]; data: Buffer }): string =>
  messageDeepHash({ ...item, rawTags: encodeTags(tags), tagCount: tags.length })

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
        expect(hashOf({ ...item, tags: shuffled })).toBe(hashOf({ ...item, tags: list }))
      }),
    )
  })

  it('does not depend on Pushed-For, except that only such tags are not the same as none', () => {
    fc.assert(
      fc.property(fields, tag, fc.array(pushedFor, { minLength: 1, maxLength: 3 }), (item, one, pushed) => {
        const some = [...item.tags, one]
        expect(hashOf({ ...item, tags: [...pushed, ...some] })).toBe(hashOf({ ...item, tags: some }))
        expect(hashOf({ ...item, tags: pushed })).not.toBe(hashOf({ ...item, tags: [] }))
      }),
    )
  })

  it('does depend on everything else', () => {
    fc.assert(
      fc.property(fields, tag, (item, one) => {
        const hash = hashOf(item)
        const grown = one.name === 'Pushed-For' ? { name: 'other', value: one.value } : one
        expect(hashOf({ ...item, tags: [...item.tags, grown] })).not.toBe(hash)
        expect(hashOf({ ...item, data: Buffer.concat([item.data, Buffer.alloc(1)]) })).not.toBe(hash)
        expect(hashOf({ ...item, anchor: Buffer.concat([item.anchor, Buffer.alloc(1)]) })).not.toBe(hash)
        expect(hashOf({ ...item, target: Buffer.alloc(32, 2) })).not.toBe(hash)
      }),
    )
  })

  it('is the same when the fields come from a gateway and the data as a stream', () => {
    fc.assert(
      fc.property(fields, bytes32, fc.array(bytes(100), { maxLength: 6 }), (item, recipient, chunks) => {
        const hasher = createTransactionHasher({ recipient, anchor: item.anchor, tags: item.tags })
        for (const chunk of chunks) hasher.update(chunk)
        const whole = { ...item, target: recipient, data: Buffer.concat(chunks) }
        expect(hasher.digest()).toBe(hashOf(whole))
      }),
    )
  })
})

describe('the order of tags', () => {
  it('is that of the UTF-8 bytes of their names, then of their values', () => {
    const near = fc.string({
      unit: fc.constantFrom('a', 'ż', '\uD7FF', '\uE000', '\uFFFD', '\uFFFF', '\u{10000}', '\u{1F680}', '\u{10FFFF}'),
      maxLength: 5,
    })
    const some = fc.oneof(text(6), near)
    const byBytes = (one: string, other: string) => Buffer.compare(Buffer.from(one), Buffer.from(other))
    fc.assert(
      fc.property(
        fields,
        fc.array(fc.record({ name: some, value: some }), { minLength: 2, maxLength: 6 }),
        (item, list) => {
          const sorted = list.toSorted((one, other) => byBytes(one.name, other.name) || byBytes(one.value, other.value))
          const { target, anchor, data } = item
          const ordered = { signatureType: 1, owner: none, target, anchor, rawTags: encodeTags(sorted) }
          expect(hashOf({ ...item, tags: list })).toBe(dataItemHash(ordered, blobHash(data)).toString('base64url'))
        },
      ),
      { numRuns: runs(3_000, 1_000) },
    )
  })
})
