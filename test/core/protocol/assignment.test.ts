import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idBytes } from '../../../core/ans104/base64url.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { verifySignature } from '../../../core/ans104/signature.ts'
import {
  type AssignmentFields,
  assignmentTags,
  type ChainEnd,
  nextHashChain,
  paddedHeight,
  readAssignment,
} from '../../../core/protocol/assignment.ts'
import reference from '../../data/assignments/reference.json' with { type: 'json' }
import { bytes32, text } from '../ans104/arbitraries.ts'
import { refusal } from '../ans104/recorded.ts'

const process = 'PjrvNRkncTzZN2M0Msx56nR24O0din8sAXBZhVQCDZU'
const message = 'utTwOmZY7jipxL3QVlHulYI4hpmkOy3JksN6HO1EO3c'
const fields: AssignmentFields = {
  process,
  epoch: 0,
  nonce: 7,
  hashChain: Buffer.alloc(32, 9),
  blockHeight: 1800000,
  timestamp: 1764000000000,
}

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

describe('the hash chain', () => {
  it('begins with the process and goes on with the assignment before', () => {
    const first = nextHashChain({ process })
    expect(first).toEqual(sha256(Buffer.from(process, 'base64url')))
    fc.assert(
      fc.property(bytes32, bytes32, (lastAssignment, hashChain) => {
        expect(nextHashChain({ process, lastAssignment, hashChain })).toEqual(sha256(lastAssignment, hashChain))
      }),
    )
  })

  it('does not go on from half an end', () => {
    expect(() => nextHashChain({ process, hashChain: Buffer.alloc(32) })).toThrow()
    expect(() => nextHashChain({ process, lastAssignment: Buffer.alloc(32) })).toThrow()
    expect(() => nextHashChain({ process, lastAssignment: Buffer.alloc(32), hashChain: Buffer.alloc(31) })).toThrow()
    expect(() => nextHashChain({ process: 'none' })).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  })
})

describe('an assignment’s tags', () => {
  it('stand in the contract’s order', () => {
    expect(assignmentTags({ ...fields, message, exclude: [' a', 'b ', 'b '] })).toEqual([
      { name: 'Process', value: process },
      { name: 'Epoch', value: '0' },
      { name: 'Nonce', value: '7' },
      { name: 'Hash-Chain', value: 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk' },
      { name: 'Block-Height', value: '000001800000' },
      { name: 'Timestamp', value: '1764000000000' },
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Assignment' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Message', value: message },
      { name: 'Exclude', value: ' a' },
      { name: 'Exclude', value: 'b ' },
      { name: 'Exclude', value: 'b ' },
    ])
  })

  it('name no message on a process’s own', () => {
    expect(assignmentTags(fields).map(({ name }) => name)).not.toContain('Message')
  })

  it('are read back as what they were made from', () => {
    const id = bytes32.map((value) => value.toString('base64url'))
    const any = fc.record(
      {
        process: id,
        epoch: fc.nat(),
        nonce: fc.nat(),
        hashChain: bytes32,
        blockHeight: fc.nat(),
        timestamp: fc.maxSafeNat(),
        message: id,
        exclude: fc.array(text(20)),
      },
      { requiredKeys: ['process', 'epoch', 'nonce', 'hashChain', 'blockHeight', 'timestamp', 'exclude'] },
    )
    fc.assert(
      fc.property(any, (made) => {
        expect(readAssignment(assignmentTags(made))).toEqual(made)
      }),
    )
  })

  it('are read by their first, whatever else is there, however the height is padded', () => {
    const tags = assignmentTags({ ...fields, message })
    expect(readAssignment([{ name: 'Other', value: '' }, ...tags, { name: 'Nonce', value: 'x' }])).toMatchObject({
      nonce: 7,
      message,
    })
    const unpadded = tags.map((tag) => (tag.name === 'Block-Height' ? { ...tag, value: '1800000' } : tag))
    expect(readAssignment(unpadded).blockHeight).toBe(1800000)
  })

  it.each([
    ['Process', ['', 'short', `${process}A`]],
    ['Epoch', ['', '-1', '1.0', 'x', ' 1', '1e3', '9007199254740993']],
    ['Nonce', ['', '-1', '0x1', '１']],
    ['Hash-Chain', ['', 'AAAA', 'CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQl']],
    ['Block-Height', ['', 'x', '-000000000001']],
    ['Timestamp', ['', 'now', '1.5']],
    ['Message', ['', 'short']],
  ])('are refused with %s malformed or missing', (name, values) => {
    const tags = assignmentTags({ ...fields, message })
    for (const value of values) {
      expect(() => readAssignment(tags.map((tag) => (tag.name === name ? { name, value } : tag))), value).toThrow(
        refusal(new RegExp(name)),
      )
    }
    if (name !== 'Message')
      expect(() => readAssignment(tags.filter((tag) => tag.name !== name))).toThrow(refusal(new RegExp(name)))
  })
})

describe('a block height', () => {
  it('has 12 digits', () => {
    expect([0, 1, 1800000, 999999999999].map(paddedHeight)).toEqual([
      '000000000000',
      '000000000001',
      '000001800000',
      '999999999999',
    ])
  })
})

describe('assignments that the reference signed', () => {
  // Of a process that has no assignment of its own, and of one that has.
  it.each(reference)('are what would be made here of their fields: $process', async ({ process, assignments }) => {
    let end: ChainEnd = { process }
    for (const [nonce, raw] of assignments.entries()) {
      const item = parseDataItem(Buffer.from(raw, 'base64url'))
      expect(await verifySignature(item)).toBe(true)
      const read = readAssignment(item.tags)
      expect(read).toMatchObject({ process, nonce, hashChain: nextHashChain(end) })
      expect(assignmentTags(read)).toEqual(item.tags)
      end = { process, hashChain: read.hashChain, lastAssignment: idBytes(item.id) }
    }
  })
})
