/** The fence of heads in memory, with hooks for faults. */
import type { LogFence } from '../../core/ports/log-fence.ts'
import { type Faults, faulty } from './faults.ts'
import type { FakeLog } from './log-store.ts'

export class FakeLogFence implements LogFence {
  faults: Faults<keyof LogFence> = {}
  readonly #log: FakeLog

  constructor({ held }: { held: FakeLog }) {
    this.#log = held
  }

  async freeze(process: string, awaits: number): Promise<boolean> {
    return faulty(this.faults, 'freeze', [process, awaits], () => {
      const head = this.#log.heads.get(process)
      if (!head) return false
      const may = head.state === 'open' ? (head.awaits ?? 0) < awaits : (head.awaits ?? Infinity) <= awaits
      if (head.state === 'incomplete' || !may) return false
      this.#log.heads.set(process, { ...head, state: 'frozen', awaits })
      return true
    })
  }

  async open(process: string, awaits: number | undefined): Promise<boolean> {
    return faulty(this.faults, 'open', [process, awaits], () => {
      const head = this.#log.heads.get(process)
      if (!head || head.state === 'incomplete' || head.awaits !== awaits) return false
      this.#log.heads.set(process, { ...head, state: 'open' })
      return true
    })
  }
}
