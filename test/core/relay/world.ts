/** All that a relay works on, in memory and in virtual time: a log that grows, and services that a test can take away. */
import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import type { UploadOutcome } from '../../../core/ports/bundler.ts'
import type { Effect } from '../../../core/ports/relay-store.ts'
import type { RelayDeps } from '../../../core/relay/deps.ts'
import { partsOf } from '../../../core/relay/parts.ts'
import type { ReuploadDeps } from '../../../core/relay/reupload.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeBundler, FakeCache } from '../../fakes/bundler.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeMetadataIndex } from '../../fakes/metadata-index.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'

export type Refusal = Exclude<UploadOutcome, { kind: 'taken' }>
export const away: Refusal = { kind: 'trouble', reason: 'status 503: away' }
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
  readonly counts = new Map<string, number>()
  readonly warnings: Record<string, unknown>[] = []
  readonly records = new Map<string, LogRecord[]>()
  /** What an upload of each record must bring, by place and part. */
  readonly parts = new Map<string, { id: string; raw: Buffer; process: string; nonce: number }>()
  readonly #signer = createFakeSigner()

  constructor(seed = 1) {
    this.clock = new VirtualClock(1_700_000_000_000, seed)
  }

  get deps(): RelayDeps & ReuploadDeps {
    const { log: records, blobs, store, bundler, cache, index, clock } = this
    return {
      records,
      blobs,
      store,
      bundler,
      cache,
      index,
      clock,
      effects: ['metadata', 'upload'],
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
    const process = randomBytes(32).toString('base64url')
    this.records.set(process, [])
    await this.#add(process, assigned ? 0 : -1, { kind: 'process' })
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
    return (['item', 'assignment'] as const).some(
      (part) =>
        this.parts.get(`${process}/${nonce}/${part}`)?.id === id && this.store.isSetAside({ process, nonce, part }),
    )
  }

  /** Nothing below a watermark may be undone. */
  checkWatermarks(): void {
    const undone: string[] = []
    const done = (process: string, effect: Effect) => this.store.done(process, effect) ?? Number.NEGATIVE_INFINITY
    for (const [place, part] of this.parts) {
      if (part.nonce < done(part.process, 'upload') && !this.settled(part)) undone.push(`upload of ${place}`)
    }
    for (const { process, nonce } of [...this.records.values()].flat()) {
      const place = `${process}/${nonce}`
      if (nonce < done(process, 'metadata') && !this.index.rows.has(place)) undone.push(`metadata of ${place}`)
    }
    expect(undone).toEqual([])
  }

  /** Everything is uploaded (or set aside) and indexed, and the watermarks say so. */
  checkFinished(effects: readonly Effect[] = ['metadata', 'upload']): void {
    this.checkWatermarks()
    for (const [process, records] of this.records) {
      const next = (records.at(-1)?.nonce ?? -2) + 1
      for (const effect of effects) expect([effect, this.store.done(process, effect)]).toEqual([effect, next])
    }
  }

  /** Takes all faults away. */
  heal(): void {
    this.log.faults = {}
    this.blobs.faults = {}
    this.store.faults = {}
    this.index.faults = {}
    this.bundler.decide = () => undefined
    this.cache.takes = () => true
  }

  async #add(process: string, nonce: number, { kind = 'message', body = 'record', data = 20, tags }: Growth) {
    const records = this.recordsOf(process)
    const target = Buffer.from(process, 'base64url')
    const timestamp = 1_700_000_000_000 + (nonce + 1) * 1000
    const assignment = await this.#signer.sign({ target, tags: [{ name: 'Nonce', value: `${nonce}` }] })
    const item = await this.#signer.sign({
      target,
      tags: tags ?? [{ name: 'Action', value: 'Test' }],
      data: Buffer.alloc(data, nonce + 2),
    })
    const id = kind === 'process' ? process : kind === 'message' ? item.id : randomBytes(32).toString('base64url')
    const ref = { id, sha256: createHash('sha256').update(item.raw).digest(), bytes: item.raw.length }
    if (body === 'blob') await this.blobs.put(ref, item.raw)
    const stored = body === 'blob' ? { id, blob: ref, renderedBytes: 5000 } : { id, raw: item.raw }
    const record: LogRecord = {
      process,
      nonce,
      kind,
      id,
      timestamp,
      timeKey: timestamp,
      blockHeight: 1_800_000,
      ...(nonce >= 0 && { assignment: assignment.raw }),
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
}
