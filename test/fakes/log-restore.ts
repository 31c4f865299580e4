/** What a log in memory holds table by table, and the changes that no commit makes, with hooks for faults. */
import type { Head, LogRecord } from '../../core/log/record.ts'
import { sameHead } from '../../core/log/state.ts'
import type { LogRestore, NamedNonce, Nonce } from '../../core/ports/log-restore.ts'
import { type Faults, faulty } from './faults.ts'
import type { FakeLog } from './log-store.ts'

const PAGE = 3

export class FakeLogRestore implements LogRestore {
  faults: Faults<keyof LogRestore> = {}
  readonly #log: FakeLog

  constructor({ held }: { held: FakeLog }) {
    this.#log = held
  }

  async *heads(): AsyncGenerator<Head[]> {
    yield* this.#pages('heads', [...this.#log.heads.values()])
  }

  async *records(): AsyncGenerator<Nonce[]> {
    yield* this.#pages(
      'records',
      [...this.#log.records.values()].map(({ process, nonce }) => ({ process, nonce })),
    )
  }

  async *ids(): AsyncGenerator<NamedNonce[]> {
    const found = [...this.#log.findings.values()]
      .flat()
      .map(({ process, kind, place }) => ({ process, nonce: place.nonce, assignment: kind === 'assignment' }))
    const hashes = [...this.#log.deepHashes].map(([key, { nonce }]) => ({
      process: key.split('/')[0] ?? '',
      nonce,
      assignment: false,
    }))
    yield* this.#pages('ids', [...found, ...hashes])
  }

  async recordsAt(process: string, nonces: readonly number[]): Promise<LogRecord[]> {
    return faulty(this.faults, 'recordsAt', [process, nonces], () =>
      nonces.toSorted((a, b) => a - b).flatMap((nonce) => this.#log.records.get(`${process}/${nonce}`) ?? []),
    )
  }

  async notFound(process: string, assignments: readonly string[]): Promise<ReadonlySet<string>> {
    return faulty(this.faults, 'notFound', [process, assignments], () => {
      const there = (id: string) =>
        this.#log.findings.get(id)?.some((one) => one.kind === 'assignment' && one.process === process) ?? false
      return new Set(assignments.filter((id) => !there(id)))
    })
  }

  async replaceHead(from: Head | undefined, to: Head): Promise<boolean> {
    return faulty(this.faults, 'replaceHead', [from, to], () => {
      const standing = this.#log.heads.get(to.process)
      if (standing && same(standing, to)) return true
      if (from ? !(standing && same(standing, from)) : standing !== undefined) return false
      this.#log.heads.set(to.process, { ...to })
      return true
    })
  }

  async removeHead(head: Head): Promise<boolean> {
    return faulty(this.faults, 'removeHead', [head], () => {
      const standing = this.#log.heads.get(head.process)
      if (standing && !same(standing, head)) return false
      this.#log.heads.delete(head.process)
      return true
    })
  }

  async forgetIds(lost: ReadonlyMap<string, number>): Promise<void> {
    await faulty(this.faults, 'forgetIds', [lost], () => {
      const isLost = (process: string, nonce: number) => nonce >= (lost.get(process) ?? Number.POSITIVE_INFINITY)
      for (const [id, findings] of this.#log.findings) {
        const kept = findings.filter(({ process, place }) => !isLost(process, place.nonce))
        if (kept.length > 0) this.#log.findings.set(id, kept)
        else this.#log.findings.delete(id)
      }
      for (const [key, { nonce }] of this.#log.deepHashes) {
        if (isLost(key.split('/')[0] ?? '', nonce)) this.#log.deepHashes.delete(key)
      }
    })
  }

  async *#pages<T>(name: keyof LogRestore, all: readonly T[]): AsyncGenerator<T[]> {
    for (let from = 0; from === 0 || from < all.length; from += PAGE) {
      yield await faulty(this.faults, name, [], () => all.slice(from, from + PAGE))
    }
  }
}

const same = (a: Head, b: Head): boolean => sameHead(a, b) && a.awaits === b.awaits
