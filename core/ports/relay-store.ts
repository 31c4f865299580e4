/** What the relay remembers: for each process and effect how far it got, and what was set aside. */

/** What is done with every record after it was acknowledged; each goes on by itself. */
export const effects = ['metadata', 'upload', 'segments'] as const
export type Effect = (typeof effects)[number]

/** An upload that the bundler refuses for good, with its reason; a command lists these and sends them again. */
export interface SetAside {
  process: string
  nonce: number
  part: 'item' | 'assignment'
  id: string
  reason: string
  /** ms */
  at: number
}

/** A head with its watermarks, as a sweep sees them. */
export interface Progress {
  process: string
  /** The nonce after the last record. */
  next: number
  firstNonce: 0 | -1
  /** For each effect the first nonce that is not done; absent: none is done. */
  done: Partial<Record<Effect, number>>
}

export interface RelayStore {
  progress(process: string): Promise<Progress | undefined>
  /** Moves a watermark from exactly `from` (undefined: there was none) to `to`; false if it was another. */
  advance(process: string, effect: Effect, from: number | undefined, to: number): Promise<boolean>
  /** Every process of the log, in no order; memory stays flat. */
  scan(): AsyncIterable<Progress>
  /** Has the relay look at this process again, soon and by itself. */
  wake(process: string): Promise<void>

  setAside(item: SetAside): Promise<void>
  /** Of one process, or of all: then the whole table is read. */
  listSetAside(process?: string): AsyncIterable<SetAside>
  removeSetAside(item: Pick<SetAside, 'process' | 'nonce' | 'part'>): Promise<void>
}
