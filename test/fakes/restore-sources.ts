/** What is kept outside a log, in memory: uploads, metadata and bodies, over the fakes of what keeps them. */
import { parseDataItem } from '../../core/ans104/data-item.ts'
import { tagValue } from '../../core/ans104/tags.ts'
import type { Nonce } from '../../core/ports/log-restore.ts'
import type {
  BodySource,
  IndexedCount,
  IndexedNonce,
  IndexedNonces,
  SignedNonce,
  SignedSource,
  UploadIndex,
} from '../../core/ports/restore-sources.ts'
import type { FakeBundler } from './bundler.ts'
import { type Faults, faulty } from './faults.ts'
import type { FakeMetadataIndex } from './metadata-index.ts'

/** A gateway that has what a bundler took. */
export class FakeUploadedLog implements SignedSource, BodySource, UploadIndex {
  readonly name = 'the uploads'
  faults: Faults<'since' | 'assignments' | 'bodies' | 'uploaded'> = {}
  /** Ids that it has seen, and whose bytes it does not give. */
  readonly withheld = new Set<string>()
  readonly #bundler: FakeBundler

  constructor(bundler: FakeBundler) {
    this.#bundler = bundler
  }

  async *since(height: number): AsyncGenerator<Nonce[]> {
    const all = await faulty(this.faults, 'since', [height], () => this.#assignments())
    const recent = all.filter(({ blockHeight }) => blockHeight >= height)
    for (const { process, nonce } of recent.toReversed()) yield [{ process, nonce }]
  }

  async assignments(process: string, nonces: readonly number[]): Promise<SignedNonce[]> {
    return faulty(this.faults, 'assignments', [process, nonces], () =>
      this.#assignments()
        .filter((one) => one.process === process && nonces.includes(one.nonce))
        .map(({ id, nonce, raw }) => ({ nonce, ...(!this.withheld.has(id) && { raw }) })),
    )
  }

  async bodies(id: string): Promise<Buffer[]> {
    return faulty(this.faults, 'bodies', [id], () => {
      const raw = this.#bundler.taken.get(id)
      return raw && !this.withheld.has(id) ? [raw] : []
    })
  }

  async uploaded(ids: readonly string[]): Promise<ReadonlySet<string>> {
    return faulty(this.faults, 'uploaded', [ids], () => new Set(ids.filter((id) => this.#bundler.taken.has(id))))
  }

  #assignments() {
    return [...this.#bundler.taken].flatMap(([id, raw]) => {
      const { tags } = parseDataItem(raw)
      if (tagValue(tags, 'Type') !== 'Assignment') return []
      const process = tagValue(tags, 'Process') ?? ''
      return [
        {
          id,
          raw,
          process,
          nonce: Number(tagValue(tags, 'Nonce')),
          blockHeight: Number(tagValue(tags, 'Block-Height')),
        },
      ]
    })
  }
}

export class FakeIndexedNonces implements IndexedNonces {
  faults: Faults<keyof IndexedNonces> = {}
  readonly #index: FakeMetadataIndex

  constructor(index: FakeMetadataIndex) {
    this.#index = index
  }

  async *ends(): AsyncGenerator<Nonce[]> {
    const ends = new Map<string, number>()
    for (const { process, nonce } of await faulty(this.faults, 'ends', [], () => [...this.#index.rows.values()])) {
      ends.set(process, Math.max(nonce, ends.get(process) ?? nonce))
    }
    yield [...ends].map(([process, nonce]) => ({ process, nonce }))
  }

  async between(process: string, from: number, to: number): Promise<IndexedNonce[]> {
    return faulty(this.faults, 'between', [process, from, to], () =>
      [...this.#index.rows.values()]
        .filter((row) => row.process === process && row.nonce >= from && row.nonce <= to)
        .sort((a, b) => a.nonce - b.nonce)
        .map(({ nonce, kind, id, assignmentId, timestamp, blockHeight }) => ({
          nonce,
          kind,
          id,
          timestamp,
          blockHeight,
          ...(assignmentId !== undefined && { assignmentId }),
        })),
    )
  }

  async counts(ranges: Parameters<IndexedNonces['counts']>[0]): Promise<IndexedCount[]> {
    return faulty(this.faults, 'counts', [ranges], () =>
      ranges.map(({ process, from, next }) => {
        const rows = [...this.#index.rows.values()].filter((row) => row.process === process)
        const last = rows.reduce<number | undefined>((most, { nonce }) => Math.max(most ?? nonce, nonce), undefined)
        return {
          rows: rows.filter(({ nonce }) => nonce >= from && nonce < next).length,
          ...(last !== undefined && { last }),
          listed: rows.some(({ kind }) => kind === 'process'),
        }
      }),
    )
  }

  async forget(process: string, from: number): Promise<void> {
    await faulty(this.faults, 'forget', [process, from], () => {
      for (const [key, row] of this.#index.rows) {
        if (row.process === process && row.nonce >= from) this.#index.rows.delete(key)
      }
    })
  }
}

/** Bodies by their items' ids. */
export class FakeKeptBodies implements BodySource {
  faults: Faults<'bodies'> = {}
  readonly held = new Map<string, Buffer[]>()

  async bodies(id: string): Promise<Buffer[]> {
    return faulty(this.faults, 'bodies', [id], () => this.held.get(id) ?? [])
  }
}
