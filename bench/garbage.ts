/** What bodies cost that nobody signed, next to hashing them: ratios within one run, so that they hold on any machine. */
import { hash, randomBytes } from 'node:crypto'
import { assembleDataItem } from '../core/ans104/assemble.ts'
import { type DataItem, parseDataItem } from '../core/ans104/data-item.ts'
import { openSigned } from '../core/ans104/signature.ts'
import type { Tag } from '../core/ans104/tags.ts'
import { messageDeepHash } from '../core/protocol/message-deep-hash.ts'
import { renderedItemBytes } from '../core/read/render.ts'
import { checkTags, itemType } from '../core/schedule/rules.ts'
import { heading } from './report.ts'

const BODY_BYTES = 4_500_000
const RUNS = 10

const item = (signatureType: number, tags: readonly Tag[], data = Buffer.alloc(0)): Buffer => {
  const lengths = signatureType === 1 ? { signature: 512, owner: 512 } : { signature: 65, owner: 65 }
  const owner = randomBytes(lengths.owner)
  // A modulus of 4096 bits that is odd, or a point that is not compressed.
  owner[0] = signatureType === 1 ? 0x80 : 0x04
  owner[owner.length - 1] = 1
  const none = Buffer.alloc(0)
  return assembleDataItem({
    signatureType,
    signature: randomBytes(lengths.signature),
    owner,
    target: none,
    anchor: none,
    tags,
    data,
  })
}
const many = (count: number, name: string, value: string): Tag[] =>
  Array.from({ length: count }, () => ({ name, value }))

const shapes: Record<string, () => Buffer> = {
  'data only, RSA': () => item(1, [], randomBytes(BODY_BYTES)),
  'data only, Ethereum': () => item(3, [], randomBytes(BODY_BYTES)),
  'empty tags': () => item(1, many(BODY_BYTES / 2 - 1_000, '', '')),
  'tags of two letters': () => item(1, many(BODY_BYTES / 4 - 1_000, 'a', 'b')),
  'one large tag': () => item(1, many(1, 'a', 'x'.repeat(BODY_BYTES))),
  'random bytes': () => Buffer.concat([Buffer.from([1, 0]), randomBytes(BODY_BYTES)]),
  zeros: () => Buffer.concat([Buffer.from([1, 0]), Buffer.alloc(BODY_BYTES)]),
}

/** Processor time of all threads for one run, ms: the median. */
async function processorMs(work: () => unknown): Promise<number> {
  const times: number[] = []
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1_000)
  }
  return times.sort((a, b) => a - b)[RUNS / 2] ?? 0
}

/** Fails where a shape costs more than three times its hash. */
export async function measureGarbage(): Promise<void> {
  heading(`Unsigned bodies of ${BODY_BYTES / 1e6} MB: processor time, and times the SHA-384 of the same bytes`)
  for (const [shape, make] of Object.entries(shapes)) {
    const bytes = make()
    const hashing = await processorMs(() => hash('sha384', bytes))
    const opening = await processorMs(() => openSigned(bytes).catch(() => undefined))
    const ratio = opening / hashing
    console.log(`  ${shape.padEnd(24)}${opening.toFixed(1).padStart(8)} ms${ratio.toFixed(2).padStart(8)} ×`)
    if (ratio > 3) process.exitCode = 1
  }
}

/** What an accepted item of tags costs beyond its signature: the rules, its deep hash and the size of its rendering. */
export async function measureSignedTags(): Promise<void> {
  heading(`Signed bodies of ${BODY_BYTES / 1e6} MB: processor time of what follows the signature, ms`)
  const last = [
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Message' },
    { name: 'From-Process', value: 'x' },
  ]
  const bodies: Record<string, () => Buffer> = {
    'empty tags': () => item(1, [...many(BODY_BYTES / 2 - 1_000, '', ''), ...last]),
    'tags of two letters': () => item(1, [...many(BODY_BYTES / 4 - 1_000, 'a', 'b'), ...last]),
  }
  for (const [shape, make] of Object.entries(bodies)) {
    const bytes = make()
    const work: Record<string, (signed: DataItem) => unknown> = {
      'opening it': () => undefined,
      rules: (signed) => checkTags(signed, itemType(signed)),
      'deep hash': messageDeepHash,
      'rendered size': (signed) => renderedItemBytes({ kind: 'message' }, signed),
    }
    const opening = await processorMs(() => parseDataItem(bytes))
    for (const [name, run] of Object.entries(work)) {
      const all = await processorMs(() => run(parseDataItem(bytes)))
      const own = name === 'opening it' ? opening : all - opening
      console.log(`  ${`${shape}: ${name}`.padEnd(36)}${own.toFixed(0).padStart(8)} ms`)
    }
  }
}

/** How many times their bytes accepted messages are as JSON, where they are made to be large. */
export function measureRenderings(): void {
  heading('The rendering of a message of 1 MB, in times its bytes')
  const bytes = 1_000_000
  const largest: Record<string, Buffer> = {
    'empty tags': item(1, many(bytes / 2, '', '')),
    'tags of a control character': item(1, many(bytes / 4, '\u0001', '\u0001')),
    'a tag of control characters': item(1, many(1, 'a', '\u0001'.repeat(bytes))),
    'data of NULs': item(1, [], Buffer.alloc(bytes)),
    'data that is not UTF-8': item(1, [], Buffer.alloc(bytes, 0xff)),
    'data of letters': item(1, [], Buffer.alloc(bytes, 'x')),
  }
  for (const [shape, raw] of Object.entries(largest)) {
    const rendered = renderedItemBytes({ kind: 'message' }, parseDataItem(raw))
    console.log(`  ${shape.padEnd(28)}${(rendered / raw.length).toFixed(2).padStart(8)} ×`)
  }
}
