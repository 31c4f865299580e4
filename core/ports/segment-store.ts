/**
 * Segments: a process's finished history, packed into objects that never change, so that a page is made by joining bytes.
 *
 * Block k of a process holds the nonces 256k … 256k+255 and is packed when all of them exist. It is cut into segments by
 * rendered bytes, which depends on the records alone; a segment is two objects, the rendered nodes and the raw items as an
 * ANS-104 bundle. Both are cut into parts, each with a digest of its own, so that any stretch is checked before it is served.
 * One index row a block names all of that. It is written last: what no index names does not exist.
 *
 * `core/segments` packs and reads; the stores keep bytes.
 */

export const BLOCK_RECORDS = 256

/** The block that a nonce belongs to; nonce -1 belongs to none (-1). */
export const blockOf = (nonce: number): number => Math.floor(nonce / BLOCK_RECORDS)

/** One record as the index of its block knows it. */
export interface IndexedRecord {
  nonce: number
  /** ms */
  timeKey: number
  /** Bytes of its node as a page has it, without `{"node":` and the cursor. */
  bytes: number
  /** The same with `show-anchor`. */
  bytesWithAnchor: number
  /** Items in the bundle: its assignment and its item; the assignment alone where a transaction was assigned. */
  items: 1 | 2
}

/** Bytes of an object that are checked together. */
export interface ObjectPart {
  bytes: number
  /** SHA-256, 32 bytes. */
  sha256: Buffer
}

/** An object: its parts one after the other. */
export interface PackedObject {
  /** Of the whole; it is in the object's name. */
  sha256: Buffer
  bytes: number
  parts: readonly ObjectPart[]
}

/** Records that are packed together. */
export interface Segment {
  /** Nonces, both inclusive. */
  first: number
  last: number
  /** A part for each 16 nonces (of which the first begins at a multiple of 16). */
  nodes: PackedObject
  /** A part for its header, then parts as above. */
  bundle: PackedObject
}

export interface BlockIndex {
  block: number
  /** One for each nonce of the block, in order. */
  records: readonly IndexedRecord[]
  /** In order, without a gap. */
  segments: readonly Segment[]
}

/** A segment that is missing or not what its index says. None of it was served; the log has the same records. */
export class DamagedSegment extends Error {
  readonly process: string
  readonly block: number
  /** `low`: it is sound in itself, but of an older version. Whatever else is to be repaired comes first. */
  readonly priority: 'high' | 'low'

  constructor(process: string, block: number, what: string, priority: 'high' | 'low' = 'high') {
    super(`Block ${block} of process ${process} is damaged: ${what}.`)
    this.name = 'DamagedSegment'
    this.process = process
    this.block = block
    this.priority = priority
  }
}

/** The raw items of a stretch, as a bundle holds them. */
export interface BundledStretch {
  /** In the bundle's order: of each record its assignment, then its item. */
  items: readonly { /** 43 characters */ id: string; bytes: number }[]
  /** Their bytes one after the other, in pieces of any size. Can be read once; fails as `nodes` does. */
  raw: AsyncIterable<Buffer>
}

/** What is expected of a reader of segments. */
export interface Expectation {
  form: ObjectName['form']
  /** Nobody waits for it yet: little of that is read at once, and that it fails says nothing. */
  early?: boolean
}

/** How pages read segments. Given by `createSegmentReader` (core/segments/reader.ts). */
export interface SegmentReader {
  /**
   * Indexes of these blocks, in the order asked; undefined where a block is not packed. Fails with `unavailable`.
   * @param how `early`: nobody waits for them yet, and that they cannot be had says nothing
   */
  blocks(
    process: string,
    blocks: readonly number[],
    how?: Pick<Expectation, 'early'>,
  ): Promise<(BlockIndex | undefined)[]>

  /**
   * Nodes of nonces `from`..`to` (both inclusive) in order, each whole, as many at a time as are there. `indexes` are those of all
   * their blocks, in order. What comes has been checked. Fails with `unavailable`; with DamagedSegment: who counted what came goes
   * on from the log, and has the block repaired (core/segments/repair.ts). The buffers are not the caller's to change. Who does not
   * read to the end must call the iterator's `return`, as `for await` does.
   */
  nodes(
    process: string,
    indexes: readonly BlockIndex[],
    from: number,
    to: number,
    options: { showAnchor: boolean },
  ): AsyncIterable<readonly Buffer[]>

  /**
   * Begins to read what `nodes` or `bundle` will be asked for: as much of it as these would read ahead. Never fails; where it is not asked
   * for then, nothing is lost but the read.
   */
  expect(process: string, indexes: readonly BlockIndex[], from: number, to: number, how: Expectation): void

  /** The same stretch's raw items. The headers of its bundles are read at once, the rest as it is asked for. */
  bundle(process: string, indexes: readonly BlockIndex[], from: number, to: number): Promise<BundledStretch>
}

/** Names an object for good: two builders of the same bytes write the same object. */
export interface ObjectName {
  process: string
  /** First nonce of its segment. */
  first: number
  form: 'nodes' | 'bundle'
  sha256: Buffer
}

/** The names of a segment's nodes and of its bundle. */
export const objectNames = (process: string, { first, nodes, bundle }: Segment): [ObjectName, ObjectName] => [
  { process, first, form: 'nodes', sha256: nodes.sha256 },
  { process, first, form: 'bundle', sha256: bundle.sha256 },
]

/** Where segments' bytes are. All of it fails with `unavailable`. */
export interface SegmentObjects {
  /** Keeps the bytes durably before it returns. Idempotent. */
  put(name: ObjectName, bytes: Buffer): Promise<void>
  /** Bytes `start`..`end` (the latter not included), as they are kept; fewer where it ends before. Undefined: there is no such object. */
  read(name: ObjectName, start: number, end: number): Promise<Buffer | undefined>
}

/** Where blocks' indexes are. All of it fails with `unavailable`. */
export interface SegmentIndexes {
  /** What was put for these blocks, in the order asked; undefined where nothing was. One that was put just now may be missed. */
  get(process: string, blocks: readonly number[]): Promise<(Buffer | undefined)[]>
  /** Keeps it durably before it returns, over what was there. */
  put(process: string, block: number, index: Buffer): Promise<void>
  /** From now on the block is not packed. Its objects stay, and nobody looks at them. */
  remove(process: string, block: number): Promise<void>
}
