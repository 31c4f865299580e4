/** Packed history in memory: rendered record by record as the log has them, with hooks for faults and damage. */
import { parseDataItem } from '../../core/ans104/data-item.ts'
import { SchedulerError } from '../../core/errors.ts'
import type { LogRecord } from '../../core/log/record.ts'
import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import type { SegmentDamage } from '../../core/ports/segment-damage.ts'
import {
  BLOCK_RECORDS,
  type BlockIndex,
  type BundledStretch,
  blockOf,
  DamagedSegment,
  type Expectation,
  type SegmentReader,
} from '../../core/ports/segment-store.ts'
import { assignmentText, itemText, nodeText } from '../../core/read/render.ts'
import { type Faults, faulty } from './faults.ts'

interface PackedRecord {
  node: Buffer
  nodeWithAnchor: Buffer
  items: { id: string; raw: Buffer }[]
}

interface PackedBlock {
  index: BlockIndex
  records: readonly PackedRecord[]
}

/** Records that are checked, and come, together. */
const PART = 16
/** Bytes of a piece of a bundle, which has nothing to do with where its items end. */
const PIECE = 700

export class FakeSegments implements SegmentReader {
  faults: Faults<'blocks' | 'nodes' | 'bundle'> = {}
  readonly #blocks = new Map<string, PackedBlock>()
  /** By `process/nonce`: what happens to a reader who comes there. */
  readonly #spoiled = new Map<string, 'damaged' | 'unavailable'>()
  /** Parts that were read so far. */
  parts = 0
  readonly expected: ({ from: number; to: number } & Expectation)[] = []

  /** Packs the blocks of a process that are whole: all of them, or those named. */
  async pack(
    { log, blobs }: { log: Pick<LogStore, 'head' | 'records'>; blobs: Pick<BlobStore, 'get'> },
    process: string,
    only?: readonly number[],
  ): Promise<void> {
    const head = await log.head(process)
    const whole = Array.from({ length: blockOf(head?.next ?? 0) }, (_, block) => block)
    for (const block of only ?? whole) {
      const records = await log.records(process, block * BLOCK_RECORDS, (block + 1) * BLOCK_RECORDS - 1)
      this.#blocks.set(`${process}/${block}`, await packed(block, records, blobs))
    }
  }

  /** What holds this nonce cannot be read from now on, or is no longer what it was. */
  spoil(process: string, nonce: number, how: 'damaged' | 'unavailable' = 'damaged'): void {
    this.#spoiled.set(`${process}/${nonce}`, how)
  }

  async blocks(process: string, blocks: readonly number[]): Promise<(BlockIndex | undefined)[]> {
    return faulty(this.faults, 'blocks', [process, blocks], () =>
      blocks.map((block) => this.#blocks.get(`${process}/${block}`)?.index),
    )
  }

  async *nodes(
    process: string,
    indexes: readonly BlockIndex[],
    from: number,
    to: number,
    { showAnchor }: { showAnchor: boolean },
  ): AsyncGenerator<readonly Buffer[]> {
    await faulty(this.faults, 'nodes', [process, from, to], () => undefined)
    for (const part of this.#parts(process, indexes, from, to)) {
      this.parts++
      yield part.map(({ node, nodeWithAnchor }) => (showAnchor ? nodeWithAnchor : node))
    }
  }

  expect(process: string, indexes: readonly BlockIndex[], from: number, to: number, how: Expectation): void {
    // Fails where the indexes do not cover it.
    this.#records(process, indexes, from, to)
    this.expected.push({ from, to, ...how })
  }

  async bundle(process: string, indexes: readonly BlockIndex[], from: number, to: number): Promise<BundledStretch> {
    await faulty(this.faults, 'bundle', [process, from, to], () => undefined)
    const items = this.#records(process, indexes, from, to)
      .flatMap((record) => record.items)
      .map(({ id, raw }) => ({ id, bytes: raw.length }))
    return { items, raw: this.#raw(process, indexes, from, to) }
  }

  /** What breaks off does so anywhere, in the middle of an item too. */
  async *#raw(process: string, indexes: readonly BlockIndex[], from: number, to: number): AsyncGenerator<Buffer> {
    for (let nonce = from; nonce <= to; nonce++) {
      const [record] = this.#records(process, indexes, nonce, nonce)
      const raw = Buffer.concat((record?.items ?? []).map((item) => item.raw))
      const trouble = this.#troubleAt(process, nonce)
      if (trouble) {
        yield raw.subarray(0, nonce % raw.length)
        throw trouble
      }
      for (let start = 0; start < raw.length; start += PIECE) yield raw.subarray(start, start + PIECE)
    }
  }

  /** Fails where a part is reached that is spoiled. */
  *#parts(process: string, indexes: readonly BlockIndex[], from: number, to: number): Generator<PackedRecord[]> {
    for (let first = from; first <= to; ) {
      const last = Math.min(to, first - (first % PART) + PART - 1)
      for (let nonce = first - (first % PART); nonce < first - (first % PART) + PART; nonce++) {
        const trouble = this.#troubleAt(process, nonce)
        if (trouble) throw trouble
      }
      yield this.#records(process, indexes, first, last)
      first = last + 1
    }
  }

  #troubleAt(process: string, nonce: number): Error | undefined {
    const how = this.#spoiled.get(`${process}/${nonce}`)
    if (how === 'damaged') return new DamagedSegment(process, blockOf(nonce), 'a test has spoiled it')
    if (how === 'unavailable') return new SchedulerError('unavailable', 'The store of segments does not answer.')
    return undefined
  }

  #records(process: string, indexes: readonly BlockIndex[], from: number, to: number): PackedRecord[] {
    return Array.from({ length: to - from + 1 }, (_, at) => {
      const nonce = from + at
      const index = indexes.find(({ block }) => block === blockOf(nonce))
      const record = this.#blocks.get(`${process}/${index?.block}`)?.records[nonce % BLOCK_RECORDS]
      if (!record) throw new Error(`nonce ${nonce} is asked for without its index`)
      return record
    })
  }
}

async function packed(
  block: number,
  records: readonly LogRecord[],
  blobs: Pick<BlobStore, 'get'>,
): Promise<PackedBlock> {
  const all: PackedRecord[] = []
  for (const record of records) all.push(await packedRecord(record, blobs))
  const index: BlockIndex = {
    block,
    records: records.map(({ nonce, timeKey }, at) => ({
      nonce,
      timeKey,
      bytes: all[at]?.node.length ?? 0,
      bytesWithAnchor: all[at]?.nodeWithAnchor.length ?? 0,
      items: all[at]?.items.length === 2 ? 2 : 1,
    })),
    segments: [],
  }
  return { index, records: all }
}

async function packedRecord(record: LogRecord, blobs: Pick<BlobStore, 'get'>): Promise<PackedRecord> {
  const { item, assignment } = record
  const raw = item && ('raw' in item ? item.raw : await blobs.get(item.blob))
  const nodeOf = (showAnchor: boolean) =>
    Buffer.from(nodeText(itemText(record, raw), assignmentText(record, { showAnchor })))
  const items = assignment ? [{ id: parseDataItem(assignment).id, raw: assignment }] : []
  if (item && raw) items.push({ id: item.id, raw })
  return { node: nodeOf(false), nodeWithAnchor: nodeOf(true), items }
}

/** Keeps what is reported. */
export class FakeSegmentDamage implements SegmentDamage {
  readonly reported: DamagedSegment[] = []

  report(damage: DamagedSegment): void {
    this.reported.push(damage)
  }
}
