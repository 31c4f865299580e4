/** The records of a log in memory as they are, with hooks for faults. */
import type { LogRecord } from '../../core/log/record.ts'
import type { Damage, LogInspection } from '../../core/ports/log-inspection.ts'
import { type Faults, faulty } from './faults.ts'
import type { FakeLog } from './log-store.ts'

export class FakeLogInspection implements LogInspection {
  faults: Faults<keyof LogInspection> = {}
  /** Records that cannot be read, by `process/nonce`. */
  readonly unreadable = new Set<string>()
  /** Records in one answer at most, as where they are large. */
  recordsAtOnce = Number.POSITIVE_INFINITY
  readonly #log: FakeLog

  constructor({ held }: { held: FakeLog }) {
    this.#log = held
  }

  async records(process: string, nonces: readonly number[]): Promise<(LogRecord | Damage)[]> {
    return faulty(this.faults, 'records', [process, nonces], () =>
      nonces.slice(0, this.recordsAtOnce).map((nonce) => {
        const key = `${process}/${nonce}`
        const record = this.#log.records.get(key)
        if (!record) return { damage: 'missing' }
        return this.unreadable.has(key) ? { damage: 'unreadable' } : { ...record }
      }),
    )
  }
}
