/** A blob store in memory, with hooks for faults. */
import { createHash } from 'node:crypto'
import { type BlobRef, type BlobStore, LostBlob } from '../../core/ports/blob-store.ts'
import type { BodyInspection, Damage } from '../../core/ports/log-inspection.ts'
import { type Faults, faulty } from './faults.ts'

const keyOf = (ref: BlobRef): string => `${ref.id}/${ref.sha256.toString('hex')}`

export class FakeBlobStore implements BlobStore, BodyInspection {
  faults: Faults<'put' | 'get' | 'check' | 'body'> = {}
  readonly #blobs = new Map<string, Buffer>()

  async put(ref: BlobRef, raw: Buffer): Promise<void> {
    await faulty(this.faults, 'put', [ref, raw], () => {
      this.#blobs.set(keyOf(ref), Buffer.from(raw))
    })
  }

  async get(ref: BlobRef): Promise<Buffer> {
    return faulty(this.faults, 'get', [ref], () => {
      const raw = this.#blobs.get(keyOf(ref))
      if (raw === undefined) throw new LostBlob(ref, 'missing')
      const digest = createHash('sha256').update(raw).digest()
      if (raw.length !== ref.bytes || !digest.equals(ref.sha256)) throw new LostBlob(ref, 'altered')
      return Buffer.from(raw)
    })
  }

  async body(ref: BlobRef): Promise<Buffer | Damage> {
    return faulty(this.faults, 'body', [ref], () => {
      const raw = this.#blobs.get(keyOf(ref))
      if (raw === undefined) return { damage: 'missing' }
      const whole = createHash('sha256').update(raw).digest().equals(ref.sha256)
      return whole ? Buffer.from(raw) : { damage: 'unreadable' }
    })
  }

  async check(): Promise<void> {
    await faulty(this.faults, 'check', [], () => undefined)
  }

  /** How many blobs are kept. */
  get size(): number {
    return this.#blobs.size
  }

  /** Loses a blob, as no store should. */
  lose(ref: BlobRef): void {
    this.#blobs.delete(keyOf(ref))
  }

  /** Changes a blob's first byte behind the ref's back. */
  spoil(ref: BlobRef): void {
    const raw = this.#blobs.get(keyOf(ref))
    if (raw !== undefined) raw[0] = (raw[0] ?? 0) ^ 1
  }
}
