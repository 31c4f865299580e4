/** The relay's memory in memory, with hooks for faults. What is woken is kept in a list. */
import { type Effect, effects, type Progress, type RelayStore, type SetAside } from '../../core/ports/relay-store.ts'
import { type Faults, faulty } from './faults.ts'

export type RelayOperation = 'progress' | 'advance' | 'scan' | 'wake' | 'setAside' | 'listSetAside' | 'removeSetAside'

const keyOf = ({ process, nonce, part }: Pick<SetAside, 'process' | 'nonce' | 'part'>) => `${process}/${nonce}/${part}`

export class FakeRelayStore implements RelayStore {
  faults: Faults<RelayOperation> = {}
  /** Processes in the order in which they were woken. */
  readonly woken: string[] = []
  readonly #heads = new Map<string, Pick<Progress, 'next' | 'firstNonce'>>()
  readonly #done = new Map<string, number>()
  readonly #setAside = new Map<string, SetAside>()

  /** What the log does in the same table: a head that begins or moves. */
  moveHead(process: string, next: number, firstNonce: 0 | -1 = 0): void {
    this.#heads.set(process, { next, firstNonce })
  }

  async progress(process: string): Promise<Progress | undefined> {
    return faulty(this.faults, 'progress', [process], () => this.#progress(process))
  }

  async advance(process: string, effect: Effect, from: number | undefined, to: number): Promise<boolean> {
    return faulty(this.faults, 'advance', [process, effect, from, to], () => {
      const key = `${process}/${effect}`
      if (this.#done.get(key) !== from) return false
      this.#done.set(key, to)
      return true
    })
  }

  async *scan(): AsyncGenerator<Progress> {
    for (const process of [...this.#heads.keys()]) {
      const progress = await faulty(this.faults, 'scan', [], () => this.#progress(process))
      if (progress) yield progress
    }
  }

  async wake(process: string): Promise<void> {
    await faulty(this.faults, 'wake', [process], () => {
      this.woken.push(process)
    })
  }

  async setAside(item: SetAside): Promise<void> {
    await faulty(this.faults, 'setAside', [item], () => {
      this.#setAside.set(keyOf(item), { ...item })
    })
  }

  async *listSetAside(process?: string): AsyncGenerator<SetAside> {
    for (const item of [...this.#setAside.values()]) {
      if (process !== undefined && item.process !== process) continue
      yield await faulty(this.faults, 'listSetAside', [], () => ({ ...item }))
    }
  }

  async removeSetAside(item: Pick<SetAside, 'process' | 'nonce' | 'part'>): Promise<void> {
    await faulty(this.faults, 'removeSetAside', [item], () => {
      this.#setAside.delete(keyOf(item))
    })
  }

  /** How far an effect came, undefined where nothing is done; no fault is in the way. */
  done(process: string, effect: Effect): number | undefined {
    return this.#done.get(`${process}/${effect}`)
  }

  isSetAside(item: Pick<SetAside, 'process' | 'nonce' | 'part'>): boolean {
    return this.#setAside.has(keyOf(item))
  }

  #progress(process: string): Progress | undefined {
    const head = this.#heads.get(process)
    if (head === undefined) return undefined
    const done: Progress['done'] = {}
    for (const effect of effects) {
      const mark = this.done(process, effect)
      if (mark !== undefined) done[effect] = mark
    }
    return { process, ...head, done }
  }
}
