/** All that a relay works on, in memory and in virtual time: a log that grows, and services that a test can take away. */
import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { DataItem } from '../../../core/ans104/data-item.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import type { UploadOutcome } from '../../../core/ports/bundler.ts'
import type { Sink } from '../../../core/ports/relay-store.ts'
import { BLOCK_RECORDS, blockOf } from '../../../core/ports/segment-store.ts'
import { assignmentTags, type ChainEnd, nextHashChain } from '../../../core/protocol/assignment.ts'
import { renderedItemBytes } from '../../../core/read/render.ts'
import { createPace } from '../../../core/relay/pace.ts'
import { partsOf } from '../../../core/relay/parts.ts'
import type { ReconcileDeps } from '../../../core/relay/reconcile.ts'
import type { ReuploadDeps } from '../../../core/relay/reupload.ts'
import { createSegmentBuilder, type SegmentBuilder } from '../../../core/segments/builder.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeBundler, FakeCache } from '../../fakes/bundler.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeMetadataIndex } from '../../fakes/metadata-index.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../../fakes/segment-stores.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'

export type Refusal = Exclude<UploadOutcome, { kind: 'taken' }>
export const away: Refusal = { kind: 'trouble', reason: 'status 503: away', away: true }
export const refused: Refusal = { kind: 'refused', reason: 'status 400: no' }

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** How a record is made. `body`: where its item is kept. */
export interface Growth {
  kind?: LogRecord['kind']
  body?: 'record' | 'blob'
  /** Length of the item's data. */
  data?: number
  /** What it is filled with; unless said, each record with something of its own. */
  fill?: number
  tags?: Tag[]
}

export class RelayWorld {
  readonly clock: VirtualClock
  readonly log = new FakeLogStore()
  readonly blobs = new FakeBlobStore()
  readonly store = new FakeRelayStore()
  readonly bundler = new FakeBundler()
  readonly cache = new FakeCache()
  readonly index = new FakeMetadataIndex()
  readonly objects = new FakeSegmentObjects()
  readonly indexes = new FakeSegmentIndexes()
  readonly #segments: SegmentBuilder
  /** What its relays do. */
  sinks: readonly Sink[] = ['metadata', 'upload']
  readonly counts = new Map<string, number>()
  readonly warnings: Record<string, unknown>[] = []
  readonly records = new Map<string, LogRecord[]>()
  /** What an upload of each record must bring, by place and part. */
  readonly parts = new Map<string, { id: string; raw: Buffer; process: string; nonce: number }>()
  readonly #signer = createFakeSigner()
  readonly #chains = new Map<string, Pick<ChainEnd, 'hashChain' | 'lastAssignment'>>()

  constructor(seed = 1) {
    this.clock = new VirtualClock(1_700_000_000_000, seed)
    this.#segments = createSegmentBuilder(this.packing)
  }

  /** What segments are made of and with. */
  get packing() {
    const { log: records, blobs, objects, indexes, clock } = this
    return { records, blobs, objects, indexes, clock }
  }

  get deps(): ReconcileDeps & ReuploadDeps {
    const { log: records, blobs, store, bundler, cache, index, clock } = this
    return {
      records,
      blobs,
      store,
      pace: createPace(bundler, clock),
      cache,
      index,
      clock,
      segments: this.#segments,
      sinks: this.sinks,
      meter: {
        time() {},
        count: (name, by = 1) => {
          this.counts.set(name, (this.counts.get(name) ?? 0) + by)
        },
      },
      log: {
        warn: (details, message) => {
          this.warnings.push({ ...details, message })
        },
      },
    }
  }

  /** A new process with its own record and so many messages. */
  async spawn(messages = 0, { assigned = true } = {}): Promise<string> {
    const item = await this.#signer.sign({ tags: [{ name: 'Type', value: 'Process' }], data: Buffer.from('1984') })
    const process = item.id
    this.records.set(process, [])
    await this.#append(process, assigned ? 0 : -1, item, { kind: 'process' })
    await this.grow(process, messages)
    return process
  }

  async grow(process: string, messages: number, growth: Growth = {}): Promise<void> {
    for (let n = 0; n < messages; n++) {
      const last = this.recordsOf(process).at(-1)
      await this.#add(process, (last?.nonce ?? -1) + 1, growth)
    }
  }

  recordsOf(process: string): LogRecord[] {
    const records = this.records.get(process)
    if (!records) throw new Error('no such process')
    return records
  }

  /** Ids of what must be uploaded, in order. */
  idsOf(process: string): string[] {
    return [...this.parts.values()].filter((part) => part.process === process).map(({ id }) => id)
  }

  /** Whether a part is where it belongs. */
  settled({ process, nonce, id, raw }: { process: string; nonce: number; id: string; raw: Buffer }): boolean {
    if (this.bundler.taken.get(id)?.equals(raw)) return true
    if (this.store.isOwed({ process, sink: 'upload', nonce, part: 'record' })) return true
    return (['item', 'assignment'] as const).some(
      (part) =>
        this.parts.get(`${process}/${nonce}/${part}`)?.id === id &&
        this.store.isOwed({ process, sink: 'upload', nonce, part }),
    )
  }

  /** Nothing below a watermark may be undone. */
  checkWatermarks(): void {
    const undone: string[] = []
    const done = (process: string, sink: Sink) => this.store.done(process, sink) ?? Number.NEGATIVE_INFINITY
    for (const [place, part] of this.parts) {
      if (part.nonce < done(part.process, 'upload') && !this.settled(part)) undone.push(`upload of ${place}`)
    }
    for (const { process, nonce } of [...this.records.values()].flat()) {
      const place = `${process}/${nonce}`
      const isOwed = this.store.isOwed({ process, sink: 'metadata', nonce, part: 'record' })
      if (nonce < done(process, 'metadata') && !this.index.rows.has(place) && !isOwed)
        undone.push(`metadata of ${place}`)
    }
    for (const process of this.records.keys()) {
      const end = this.store.done(process, 'segments') ?? 0
      for (let block = 0; block < blockOf(end); block++) {
        const nonce = block * BLOCK_RECORDS
        if (this.store.isOwed({ process, sink: 'segments', nonce, part: 'block' })) continue
        if (!this.indexes.rows.has(`${process}/${block}`)) undone.push(`block ${block} of ${process}`)
      }
    }
    expect(undone).toEqual([])
  }

  /** Everything is uploaded (or a dead letter), indexed and packed, and the watermarks say so. */
  checkFinished(which = this.sinks): void {
    this.checkWatermarks()
    expect(this.store.allOwed.filter(({ next }) => next !== undefined)).toEqual([])
    for (const [process, records] of this.records) {
      const next = (records.at(-1)?.nonce ?? -2) + 1
      for (const sink of which) {
        const end = sink === 'segments' ? blockOf(next) * BLOCK_RECORDS || undefined : next
        expect([sink, this.store.done(process, sink)]).toEqual([sink, end])
      }
    }
  }

  /** Takes all faults away. */
  heal(): void {
    this.log.faults = {}
    this.blobs.faults = {}
    this.store.faults = {}
    this.index.faults = {}
    this.objects.faults = {}
    this.indexes.faults = {}
    this.bundler.decide = () => undefined
    this.cache.takes = () => true
  }

  async #add(process: string, nonce: number, { data = 20, fill = nonce + 2, tags, ...growth }: Growth): Promise<void> {
    const item = await this.#signer.sign({
      target: Buffer.from(process, 'base64url'),
      tags: tags ?? [{ name: 'Action', value: 'Test' }],
      data: Buffer.alloc(data, fill),
    })
    await this.#append(process, nonce, item, growth)
  }

  async #append(
    process: string,
    nonce: number,
    item: DataItem,
    { kind = 'message', body = 'record' }: Growth,
  ): Promise<void> {
    const records = this.recordsOf(process)
    const timestamp = 1_700_000_000_000 + (nonce + 1) * 1000
    const id = kind === 'transaction' ? randomBytes(32).toString('base64url') : item.id
    const assignment = nonce < 0 ? undefined : await this.#assign(process, nonce, timestamp, kind, id)
    const ref = { id, sha256: createHash('sha256').update(item.raw).digest(), bytes: item.raw.length }
    if (body === 'blob') await this.blobs.put(ref, item.raw)
    const renderedBytes = renderedItemBytes({ kind }, item)
    const stored = body === 'blob' ? { id, blob: ref, renderedBytes } : { id, raw: item.raw }
    const record: LogRecord = {
      process,
      nonce,
      kind,
      id,
      timestamp,
      timeKey: timestamp,
      blockHeight: 1_800_000,
      ...(assignment && { assignment }),
      ...(kind !== 'transaction' && { item: stored }),
    }
    records.push(record)
    for (const part of partsOf(kind === 'transaction' ? record : { ...record, rawItem: item.raw })) {
      this.parts.set(`${process}/${nonce}/${part.part}`, part)
    }
    const firstNonce = records[0]?.nonce === -1 ? -1 : 0
    const head = { process, next: nonce + 1, firstNonce, timestamp, blockHeight: 1_800_000 } as const
    this.log.restore({ ...head, state: 'open', epoch: 0, settlementDepth: 20 }, [record])
    this.store.moveHead(process, nonce + 1, firstNonce)
  }

  /** An assignment as the unit makes them, chained to the last one. */
  async #assign(process: string, nonce: number, timestamp: number, kind: LogRecord['kind'], id: string) {
    const end = this.#chains.get(process) ?? {}
    const hashChain = nextHashChain({ process, ...end })
    const message = kind === 'process' ? {} : { message: id }
    const { raw, ...signed } = await this.#signer.sign({
      anchor: randomBytes(32),
      tags: assignmentTags({ process, epoch: 0, nonce, hashChain, blockHeight: 1_800_000, timestamp, ...message }),
    })
    this.#chains.set(process, { hashChain, lastAssignment: Buffer.from(signed.id, 'base64url') })
    return raw
  }
}
