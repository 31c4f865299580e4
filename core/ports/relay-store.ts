/** The relay's memory: for each process how far each sink is, what is owed, and which processes are behind. */

/** Where every record goes after it was acknowledged. Sinks do not wait for each other. */
export const sinks = ['metadata', 'upload', 'segments'] as const
export type Sink = (typeof sinks)[number]

/**
 * A part of a record that the watermark has passed without it: its trouble is its own. With a next attempt the reconciler
 * retries it for ever; without one it is a dead letter, which only an operator resends or skips.
 */
export interface Owed {
  process: string
  sink: Sink
  /** Of a block its first nonce. */
  nonce: number
  /** `record`: a whole record that cannot be read, or its metadata. `block`: a block that cannot be packed. */
  part: 'item' | 'assignment' | 'record' | 'block'
  /** Of the item or assignment; of a record or block `process/nonce`. */
  id: string
  reason: string
  /** Of the first failure, ms. */
  since: number
  /** Failed attempts. */
  tries: number
  /** Next attempt, ms; absent: a dead letter. */
  next?: number
}

export type OwedKey = Pick<Owed, 'process' | 'sink' | 'nonce' | 'part'>

/** Why a sink's watermark stands where it stands. Gone when the watermark moves. */
export interface Trouble {
  nonce: number
  reason: string
  /** Since when this nonce is in trouble, ms. */
  since: number
}

/** A head with its watermarks. Everything below a watermark is done, dead-lettered or owed. */
export interface Progress {
  process: string
  /** The nonce after the last record. */
  next: number
  firstNonce: 0 | -1
  /** Of the last record, ms. */
  timestamp: number
  /** For each sink the first nonce that is not done; absent: none is done. */
  done: Partial<Record<Sink, number>>
  trouble: Partial<Record<Sink, Trouble>>
}

/** Moves of watermarks, each from exactly `from` (undefined: there was none). */
export type Moves = Partial<Record<Sink, { from: number | undefined; to: number }>>

/** Marks a process that is behind or owes something. Idle processes have none, so the reconciler reads little. */
export interface Marker {
  process: string
  /** When the reconciler looks at the process again, ms. */
  at: number
  /** Counts at the last look. */
  owed: number
  deadLetters: number
  /** For each sink that was behind at the last look, the timestamp of its first record that is not done, ms. */
  behind: Partial<Record<Sink, number>>
}

/** A part of all processes. */
export interface Slice {
  processes: Progress[]
  /** Processes among them that owe something. */
  owing: ReadonlySet<string>
}

/** Everything fails with `unavailable`. */
export interface RelayStore {
  progress(process: string): Promise<Progress | undefined>
  /** All of the moves or none; false if a watermark stood elsewhere. Forgets the trouble of the sinks that move. */
  advance(process: string, moves: Moves): Promise<boolean>
  noteTrouble(process: string, sink: Sink, trouble: Trouble): Promise<void>
  /** Every process of the log, in no order; memory stays flat. */
  scan(): AsyncIterable<Progress>
  /** The next slice of all processes, of a bounded size: slices follow each other round and round. Eventually consistent. */
  slice(): Promise<Slice>
  /** Makes the stream bring this process to the relay. */
  wake(process: string): Promise<void>

  /** Keeps parts as owed, replacing earlier rows, and marks their process. */
  owe(parts: readonly Owed[]): Promise<void>
  /** What a process owes, dead letters too. */
  owed(process: string): AsyncIterable<Owed>
  /** A part is done, or skipped. */
  settle(part: OwedKey): Promise<void>

  /** Has the reconciler look at a process at this time (ms), or earlier where that is marked already. */
  mark(process: string, at: number): Promise<void>
  markers(): AsyncIterable<Marker>
  /** Replaces a marker, or removes it; nothing happens where it is not due at `at` any more. */
  remark(process: string, at: number, marker: Marker | undefined): Promise<void>
}
