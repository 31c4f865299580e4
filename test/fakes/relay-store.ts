/** The relay's memory in memory, with hooks for faults. Woken processes are kept in a list. */
import {
  type Marker,
  type Moves,
  type Owed,
  type OwedKey,
  type Progress,
  type RelayStore,
  type Sink,
  type Slice,
  sinks,
  type Trouble,
} from '../../core/ports/relay-store.ts'
import { type Faults, faulty } from './faults.ts'

export type RelayOperation = Exclude<keyof RelayStore, symbol>

const keyOf = ({ process, sink, nonce, part }: OwedKey) => `${process}/${sink}/${nonce}/${part}`

export class FakeRelayStore implements RelayStore {
  faults: Faults<RelayOperation> = {}
  /** Processes in the order in which they were woken. */
  readonly woken: string[] = []
  /** Processes of one slice; a page of the real store. */
  sliceSize = 1_000
  readonly #heads = new Map<string, Pick<Progress, 'next' | 'firstNonce' | 'timestamp'>>()
  readonly #done = new Map<string, number>()
  readonly #trouble = new Map<string, Trouble>()
  readonly #owed = new Map<string, Owed>()
  readonly #markers = new Map<string, Marker>()
  #sliced = 0

  /** What the log does in the same table: a head that begins or moves. */
  moveHead(process: string, next: number, firstNonce: 0 | -1 = 0, timestamp = 1): void {
    this.#heads.set(process, { next, firstNonce, timestamp })
  }

  async progress(process: string): Promise<Progress | undefined> {
    return faulty(this.faults, 'progress', [process], () => this.#progress(process))
  }

  async advance(process: string, moves: Moves): Promise<boolean> {
    return faulty(this.faults, 'advance', [process, moves], () => {
      const all = sinks.flatMap((sink) => (moves[sink] ? [{ key: `${process}/${sink}`, ...moves[sink] }] : []))
      if (all.some(({ key, from }) => this.#done.get(key) !== from)) return false
      for (const { key, to } of all) {
        this.#done.set(key, to)
        this.#trouble.delete(key)
      }
      return true
    })
  }

  async noteTrouble(process: string, sink: Sink, trouble: Trouble): Promise<void> {
    await faulty(this.faults, 'noteTrouble', [process, sink, trouble], () => {
      this.#trouble.set(`${process}/${sink}`, trouble)
    })
  }

  async *scan(): AsyncGenerator<Progress> {
    for (const process of [...this.#heads.keys()]) {
      const progress = await faulty(this.faults, 'scan', [], () => this.#progress(process))
      if (progress) yield progress
    }
  }

  async slice(): Promise<Slice> {
    return faulty(this.faults, 'slice', [], () => {
      const all = [...this.#heads.keys()]
      if (this.#sliced >= all.length) this.#sliced = 0
      const some = all.slice(this.#sliced, this.#sliced + this.sliceSize)
      this.#sliced += this.sliceSize
      const owing = [...this.#owed.values()].map(({ process }) => process)
      return { processes: some.flatMap((process) => this.#progress(process) ?? []), owing: new Set(owing) }
    })
  }

  async wake(process: string): Promise<void> {
    await faulty(this.faults, 'wake', [process], () => {
      this.woken.push(process)
    })
  }

  async owe(parts: readonly Owed[]): Promise<void> {
    await faulty(this.faults, 'owe', [parts], () => {
      for (const part of parts) {
        this.#owed.set(keyOf(part), { ...part })
        this.#mark(part.process, part.next ?? part.since)
      }
    })
  }

  async *owed(process: string): AsyncGenerator<Owed> {
    for (const part of [...this.#owed.values()]) {
      if (part.process === process) yield await faulty(this.faults, 'owed', [process], () => ({ ...part }))
    }
  }

  async settle(part: OwedKey): Promise<void> {
    await faulty(this.faults, 'settle', [part], () => {
      this.#owed.delete(keyOf(part))
    })
  }

  async mark(process: string, at: number): Promise<void> {
    await faulty(this.faults, 'mark', [process, at], () => this.#mark(process, at))
  }

  async *markers(): AsyncGenerator<Marker> {
    for (const marker of [...this.#markers.values()]) {
      yield await faulty(this.faults, 'markers', [], () => ({ ...marker }))
    }
  }

  async remark(process: string, at: number, marker: Marker | undefined): Promise<void> {
    await faulty(this.faults, 'remark', [process, at, marker], () => {
      if (this.#markers.get(process)?.at !== at) return
      if (marker) this.#markers.set(process, marker)
      else this.#markers.delete(process)
    })
  }

  /** How far a sink came, undefined where nothing is done; no fault is in the way. */
  done(process: string, sink: Sink): number | undefined {
    return this.#done.get(`${process}/${sink}`)
  }

  /** Everything that is owed, dead letters too; no fault is in the way. */
  get allOwed(): Owed[] {
    return [...this.#owed.values()]
  }

  isOwed(key: OwedKey): boolean {
    return this.#owed.has(keyOf(key))
  }

  markerOf(process: string): Marker | undefined {
    return this.#markers.get(process)
  }

  #mark(process: string, at: number): void {
    const marker = this.#markers.get(process) ?? { process, at, owed: 0, deadLetters: 0, behind: {} }
    this.#markers.set(process, { ...marker, at: Math.min(at, marker.at) })
  }

  #progress(process: string): Progress | undefined {
    const head = this.#heads.get(process)
    if (head === undefined) return undefined
    const done: Progress['done'] = {}
    const trouble: Progress['trouble'] = {}
    for (const sink of sinks) {
      const mark = this.done(process, sink)
      if (mark !== undefined) done[sink] = mark
      const noted = this.#trouble.get(`${process}/${sink}`)
      if (noted !== undefined) trouble[sink] = noted
    }
    return { process, ...head, done, trouble }
  }
}
