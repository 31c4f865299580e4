/** A bundler and a cache in memory: they keep what they take, and answer what a test wants them to. */
import type { Bundler, Cache, UploadOutcome } from '../../core/ports/bundler.ts'

export class FakeBundler implements Bundler {
  /** What it took, by id. */
  readonly taken = new Map<string, Buffer>()
  /** Ids of all attempts, in order. */
  readonly attempts: string[] = []
  /** Decides on an attempt; undefined: it is taken. */
  decide: (id: string) => Exclude<UploadOutcome, { kind: 'taken' }> | undefined = () => undefined

  async upload(id: string, raw: Buffer): Promise<UploadOutcome> {
    this.attempts.push(id)
    const outcome = this.decide(id)
    if (outcome) return outcome
    this.taken.set(id, Buffer.from(raw))
    return { kind: 'taken' }
  }
}

export class FakeCache implements Cache {
  readonly taken = new Map<string, Buffer>()
  readonly attempts: string[] = []
  takes: (id: string) => boolean = () => true

  async offer(id: string, raw: Buffer): Promise<boolean> {
    this.attempts.push(id)
    if (!this.takes(id)) return false
    this.taken.set(id, Buffer.from(raw))
    return true
  }
}
