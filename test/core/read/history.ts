/** Histories for the tests of reading: made from plain parts, put into fake stores, and known in full to a plain model. */
import { createHash } from 'node:crypto'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { Head, HeadState, LogRecord, StoredItem } from '../../../core/log/record.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import { createBodyReads } from '../../../core/read/bodies.ts'
import { defaultMaxPageBytes, type ReadDeps } from '../../../core/read/deps.ts'
import { createLogMemory } from '../../../core/read/log-memory.ts'
import type { Page } from '../../../core/read/page.ts'
import { createProcessMemory } from '../../../core/read/process-memory.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeSegmentDamage, FakeSegments } from '../../fakes/segments.ts'

export const idFrom = (seed: string): string => createHash('sha256').update(seed).digest('base64url')

const addressOf = (owner: Buffer): string => createHash('sha256').update(owner).digest('base64url')

/** Bytes that look like a signature or a key, always the same for a seed. */
const bytesFrom = (seed: string, length: number): Buffer => {
  const block = createHash('sha512').update(seed).digest()
  return Buffer.alloc(length, block)
}

/** A data item's parts, readable: what the model renders, and what the raw bytes are made from. */
export interface Parts {
  signature: Buffer
  owner: Buffer
  target: Buffer
  anchor: Buffer
  tags: Tag[]
  data: Buffer
}

export const partsFrom = (seed: string, parts: Partial<Parts> = {}): Parts => ({
  signature: bytesFrom(`signature of ${seed}`, 512),
  owner: bytesFrom('an owner', 512),
  target: Buffer.alloc(0),
  anchor: Buffer.alloc(0),
  tags: [],
  data: Buffer.alloc(0),
  ...parts,
})

export const rawOf = (parts: Parts): Buffer => assembleDataItem({ signatureType: 1, ...parts })

export const idOfParts = (parts: Parts): string => createHash('sha256').update(parts.signature).digest('base64url')

const ownerOf = ({ owner }: Parts) => ({ address: addressOf(owner), key: owner.toString('base64url') })

const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const strictText = (bytes: Buffer): string | null => {
  try {
    return strict.decode(bytes)
  } catch {
    return null
  }
}
const anchorOf = ({ anchor }: Parts) => (anchor.length === 0 ? null : strictText(anchor))

/** The message of a node as the contract says, by JSON.stringify. */
export const messageJson = (parts: Parts, kind: LogRecord['kind']) => ({
  id: idOfParts(parts),
  owner: ownerOf(parts),
  data: kind === 'process' ? strictText(parts.data) : lossy.decode(parts.data),
  tags: parts.tags.map(({ name, value }) => ({ name, value })),
  signature: parts.signature.toString('base64url'),
  anchor: anchorOf(parts),
  target: kind === 'process' && parts.target.length === 0 ? null : parts.target.toString('base64url'),
})

export const assignmentJson = (parts: Parts, showAnchor: boolean) => ({
  id: idOfParts(parts),
  owner: ownerOf(parts),
  tags: parts.tags.map(({ name, value }) => ({ name, value })),
  signature: parts.signature.toString('base64url'),
  anchor: anchorOf(parts) ?? (showAnchor && parts.anchor.length > 0 ? parts.anchor.toString('base64url') : null),
  target: parts.data.length > 0 ? null : '',
})

/** What a test says of one record. */
export interface Entry {
  kind: LogRecord['kind']
  timestamp: number
  item: Parts | undefined
  /** Id of an assigned transaction. */
  transaction?: string
  assignment: Parts | undefined
  blob: boolean
}

/** One record as the model knows it. */
export interface ModelRecord extends Entry {
  nonce: number
  timeKey: number
}

export interface History {
  process: string
  head: Head
  /** From nonce -1 or 0 on. */
  records: ModelRecord[]
  log: FakeLogStore
  blobs: FakeBlobStore
}

/** Puts the entries, of which the first is the process itself, into stores of their own, or into those given. */
export async function historyOf(
  entries: readonly [Entry, ...Entry[]],
  { state = 'open' as HeadState, log = new FakeLogStore(), blobs = new FakeBlobStore() } = {},
): Promise<History> {
  const [first] = entries
  if (first.item === undefined) throw new Error('a history begins with a process')
  const process = idOfParts(first.item)
  const firstNonce = first.assignment === undefined ? -1 : 0
  let timeKey = 0
  const records = entries.map((entry, index): ModelRecord => {
    timeKey = Math.max(timeKey, entry.timestamp)
    return { ...entry, nonce: index + firstNonce, timeKey }
  })
  const stored: LogRecord[] = []
  const assignments = new Map<number, string>()
  for (const record of records) {
    const { nonce, kind, timestamp, assignment } = record
    const item = record.item && (await storedItem(record.item, record, blobs))
    const id = item?.id ?? record.transaction ?? ''
    if (assignment !== undefined) assignments.set(nonce, idOfParts(assignment))
    stored.push({
      process,
      nonce,
      kind,
      id,
      timestamp,
      timeKey: record.timeKey,
      blockHeight: 1_234_567,
      ...(assignment && { assignment: rawOf(assignment) }),
      ...(item && { item }),
    })
  }
  const head: Head = {
    process,
    state,
    next: firstNonce + records.length,
    timestamp: timeKey,
    blockHeight: 1_234_567,
    epoch: 0,
    firstNonce,
    settlementDepth: 20,
  }
  log.restore(head, stored, assignments)
  return { process, head, records, log, blobs }
}

async function storedItem(parts: Parts, { kind, blob }: Entry, blobs: FakeBlobStore): Promise<StoredItem> {
  const raw = rawOf(parts)
  const id = idOfParts(parts)
  if (!blob) return { id, raw }
  const ref = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
  await blobs.put(ref, raw)
  return { id, blob: ref, renderedBytes: Buffer.byteLength(JSON.stringify(messageJson(parts, kind))) }
}

/** A short history: a process (with an assignment unless told), then messages at these timestamps. */
export const plainHistory = (
  seed: string,
  timestamps: readonly number[],
  {
    started = 1000,
    assigned = true,
    state = 'open' as HeadState,
    blobs = false,
    into = {} as { log?: FakeLogStore; blobs?: FakeBlobStore },
  } = {},
): Promise<History> => {
  const process: Entry = {
    kind: 'process',
    timestamp: started,
    item: partsFrom(`${seed} process`, { data: Buffer.from('1') }),
    assignment: assigned ? partsFrom(`${seed} assignment of the process`) : undefined,
    blob: false,
  }
  const messages = timestamps.map(
    (timestamp, index): Entry => ({
      kind: 'message',
      timestamp,
      item: partsFrom(`${seed} message ${index}`, { data: Buffer.from(`message ${index}`) }),
      assignment: partsFrom(`${seed} assignment ${index}`),
      blob: blobs,
    }),
  )
  return historyOf([process, ...messages], { state, ...into })
}

const stopped = { now: () => 0, sleep: async () => undefined, random: () => 0 }

/** Everything that reading needs, over a history of which nothing is packed, with an index that knows nothing. */
export const depsOf = ({ log, blobs }: Pick<History, 'log' | 'blobs'>, deps: Partial<ReadDeps> = {}): ReadDeps => ({
  log,
  bodies: createBodyReads({ blobs, meter: noMeter, clock: stopped, ...deps }),
  segments: new FakeSegments(),
  damage: new FakeSegmentDamage(),
  times: { lastNonceUpTo: async () => undefined },
  memory: createProcessMemory(),
  nodes: createLogMemory(),
  meter: noMeter,
  clock: stopped,
  maxPageBytes: defaultMaxPageBytes,
  ...deps,
})

export const collect = async (bytes: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** The page's JSON text. */
export const jsonOf = async (page: Page): Promise<string> => (await collect(await page.json())).toString()
