/** Rendering, against what the reference answers and against JSON.stringify. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { Head, LogRecord } from '../../../core/log/record.ts'
import { latestBytes } from '../../../core/read/latest.ts'
import { openPage } from '../../../core/read/page.ts'
import { readProcessText } from '../../../core/read/process.ts'
import { parsePageQuery } from '../../../core/read/query.ts'
import {
  assignmentText,
  itemPieces,
  itemText,
  nodeText,
  processText,
  renderedItemBytes,
} from '../../../core/read/render.ts'
import { runs } from '../../effort.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { assignmentJson, collect, depsOf, jsonOf, messageJson, partsFrom, rawOf } from './history.ts'

const data = (path: string) => JSON.parse(readFileSync(new URL(`../../data/${path}`, import.meta.url), 'utf8'))

interface StoredHistory {
  process: string
  records: (Pick<LogRecord, 'nonce' | 'kind' | 'id' | 'timestamp' | 'blockHeight'> & {
    assignment?: string
    item?: string
  })[]
  /** By path. */
  answers: Record<string, unknown>
}

describe('what the reference stored and answered', () => {
  const histories: StoredHistory[] = data('read/stored.json')
  const answers = histories.flatMap((history) =>
    Object.entries(history.answers).map(([path, body]) => ({ path, history, text: JSON.stringify(body) })),
  )

  it.each(answers)('$path', async ({ path, history: { process, records }, text }) => {
    const log = new FakeLogStore()
    let timeKey = 0
    const stored = records.map(({ assignment, item, ...record }): LogRecord => {
      timeKey = Math.max(timeKey, record.timestamp)
      return {
        process,
        ...record,
        timeKey,
        ...(assignment !== undefined && { assignment: Buffer.from(assignment, 'base64url') }),
        ...(item !== undefined && { item: { id: record.id, raw: Buffer.from(item, 'base64url') } }),
      }
    })
    const head: Head = {
      process,
      state: 'open',
      next: (stored.at(-1)?.nonce ?? 0) + 1,
      timestamp: timeKey,
      blockHeight: 0,
      epoch: 0,
      firstNonce: stored[0]?.nonce === 0 ? 0 : -1,
      settlementDepth: 20,
    }
    log.restore(head, stored)
    const deps = depsOf({ log, blobs: new FakeBlobStore() })
    const { pathname, searchParams } = new URL(path, 'http://unit')
    const got = pathname.startsWith('/processes/')
      ? await readProcessText(deps, process)
      : pathname.endsWith('/latest')
        ? (await collect(await latestBytes(deps, process))).toString()
        : await jsonOf(await openPage(deps, head, parsePageQuery(searchParams)))
    expect(got).toBe(text)
  })
})

describe('what the reference answered, as far as it is the same on every run', () => {
  const { items, addresses } = data('conformance/items.json') as {
    items: Record<string, { id: string; raw: string }>
    addresses: { su: string }
  }
  const su = Buffer.from(data('conformance/wallets.json').su.n, 'base64url')
  const rawById = new Map(Object.values(items).map(({ id, raw }) => [id, Buffer.from(raw, 'base64url')]))
  const recorded: { name: string; body: Record<string, unknown> }[] = data('read/recorded.json')

  interface RecordedNode {
    message: { id: string } | null
    assignment: { tags: Tag[]; anchor: string | null }
  }

  /** An assignment like the recorded one, where its own values are masked. */
  const assignmentLike = ({ tags, anchor }: RecordedNode['assignment']): Buffer =>
    assembleDataItem({
      signatureType: 1,
      signature: Buffer.alloc(512, 7),
      owner: su,
      anchor: Buffer.alloc(32, anchor === null ? 0x80 : 'a'),
      tags: tags.map(({ name, value }) => ({ name, value: value.startsWith('<') ? '1700000000000' : value })),
    })

  const nodeLike = ({ message, assignment }: RecordedNode): string => {
    const raw = message === null ? undefined : rawById.get(message.id)
    const isProcess = raw !== undefined && parseDataItem(raw).tags.some(({ value }) => value === 'Process')
    const kind = raw === undefined ? 'transaction' : isProcess ? 'process' : 'message'
    return nodeText(itemText({ kind }, raw), assignmentText({ assignment: assignmentLike(assignment) }))
  }

  /** The same values that were masked when it was recorded. */
  const maskAssignment = (text: string): string => {
    const { message, assignment } = JSON.parse(text)
    return JSON.stringify({
      message,
      assignment: {
        ...assignment,
        id: '<assignment id>',
        owner: { address: assignment.owner.address === addresses.su ? '<su>' : '', key: '<key>' },
        tags: assignment.tags.map(({ name, value }: Tag) => ({
          name,
          value: name === 'Timestamp' || name === 'Hash-Chain' ? `<${name}>` : value,
        })),
        signature: '<signature>',
        anchor: assignment.anchor === null ? null : '<anchor>',
      },
    })
  }

  it.each(recorded)('$name', ({ body }) => {
    if ('process_id' in body) {
      const raw = rawById.get(String(body.process_id)) ?? Buffer.alloc(0)
      const text = processText({ assignment: raw, timestamp: 1_700_000_000_000, blockHeight: 1_234_567 }, raw)
      expect(text.replace('"timestamp":1700000000000', '"timestamp":"<number>"')).toBe(JSON.stringify(body))
      return
    }
    const nodes = 'edges' in body ? (body.edges as { node: RecordedNode }[]).map(({ node }) => node) : [body]
    for (const node of nodes as RecordedNode[]) expect(maskAssignment(nodeLike(node))).toBe(JSON.stringify(node))
  })
})

describe('rendering', () => {
  const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array))
  const optional = fc.oneof(
    fc.constant(Buffer.alloc(0)),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array)),
    fc
      .string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u0000'), minLength: 32, maxLength: 32 })
      .map((text) => Buffer.from(text)),
  )
  const text = fc.string({ unit: 'binary' })
  const parts = fc
    .record({
      target: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array)),
      anchor: optional,
      tags: fc.array(fc.record({ name: text, value: text }), { maxLength: 10 }),
      data: fc.oneof(
        bytes(50),
        text.map((string) => Buffer.from(string)),
        bytes(20).map((tail) => Buffer.concat([Buffer.from('\uFEFF'), tail])),
      ),
      owner: fc.integer({ min: 0, max: 255 }).map((fill) => Buffer.alloc(512, fill)),
    })
    .map((record) => partsFrom('an item', record))

  it('is what JSON.stringify makes of the same, for any bytes', () => {
    fc.assert(
      fc.property(parts, parts, fc.boolean(), (item, assignment, showAnchor) => {
        const raw = rawOf(item)
        const shown = assignmentText({ assignment: rawOf(assignment) }, { showAnchor })
        expect(shown).toBe(JSON.stringify(assignmentJson(assignment, showAnchor)))
        for (const kind of ['message', 'process'] as const) {
          expect(itemText({ kind }, raw)).toBe(JSON.stringify(messageJson(item, kind)))
          expect(renderedItemBytes({ kind }, parseDataItem(raw))).toBe(Buffer.byteLength(itemText({ kind }, raw)))
        }
        expect(itemText({ kind: 'transaction' }, undefined)).toBe('null')
      }),
      { numRuns: runs(1_000, 300) },
    )
  })

  it('is the same in pieces, none of which is large, for any bytes', () => {
    // Beginnings and continuations of characters, and what is neither, so that pieces end in the middle of everything.
    const odd = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((array) => Buffer.from(array))
    const marks = fc
      .array(fc.constantFrom(0x00, 0x41, 0x80, 0xbf, 0xc5, 0xe2, 0xef, 0xf0, 0x9f, 0xff), {
        minLength: 1,
        maxLength: 40,
      })
      .map((array) => Buffer.from(array))
    const large = fc
      .tuple(fc.oneof(odd, marks), fc.nat(4))
      .map(([pattern, shift]) => Buffer.concat([Buffer.alloc(shift, 'x'), Buffer.alloc(100_000, pattern)]))
    const long = fc.constantFrom('ż', '\u{1F680}', '"\u0001', 'a\uFEFF').map((letter) => letter.repeat(30_000))
    fc.assert(
      fc.property(large, fc.boolean(), long, fc.nat(3_000), (data, manyTags, name, count) => {
        const tags = [
          ...Array.from({ length: manyTags ? count : 1 }, () => ({ name: '', value: '1' })),
          { name, value: name },
        ]
        const item = partsFrom('a large item', { data, tags })
        for (const kind of ['message', 'process'] as const) {
          const pieces = [...itemPieces({ kind }, rawOf(item))]
          expect(pieces.join('') === JSON.stringify(messageJson(item, kind))).toBe(true)
          expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(300_000)
        }
      }),
      { numRuns: runs(100, 30) },
    )
  })

  it('shows no data of a process without an assignment', () => {
    const raw = rawOf(partsFrom('a process', { data: Buffer.from('1') }))
    const record = { timestamp: 5, blockHeight: 12 }
    expect(JSON.parse(processText(record, raw))).toMatchObject({
      block: '000000000012',
      timestamp: 5,
      data: null,
      target: null,
    })
    expect(JSON.parse(processText({ ...record, assignment: raw }, raw))).toMatchObject({ data: '1' })
  })

  it('blames the log, not the caller, for bytes that are no item', () => {
    expect(() => itemText({ kind: 'message' }, Buffer.from('no item'))).toThrow(
      expect.objectContaining({ code: 'unavailable' }),
    )
    expect(() => assignmentText({})).toThrow(expect.objectContaining({ code: 'unavailable' }))
  })
})
