/**
 * What another scheduler unit has, to be brought in: rows as they stand there (contract, "Stored bundles"). Whether they are sound,
 * `core/migration` finds out, so damage shows itself here and is no error: what is doubled comes twice, what is missing does not come.
 * The source may be written to meanwhile. All of it fails with `unavailable`, or with `invalid-request` where the source is
 * none that can be read.
 */

/** A row of the source's messages: what its columns say beside what was signed. */
export interface SourceMessage {
  row: number
  process: string
  /** The message's id, or the assigned transaction's. */
  message: string
  /** None in the oldest shape. */
  assignment: string | undefined
  epoch: number
  nonce: number
  /** ms */
  timestamp: number
  hashChain: string
  /** A data item by the unit, with an ANS-104 bundle as its data. */
  bundle: Buffer
}

/** A row of the source's processes; the columns are those of its assignment, and empty where it has none. */
export interface SourceProcess {
  row: number
  process: string
  epoch: number | undefined
  nonce: number | undefined
  timestamp: number | undefined
  hashChain: string | undefined
  bundle: Buffer
}

/** Rows of the messages by their numbers, both inclusive; without `to`: all from there on. */
export interface RowRange {
  from: number
  to?: number | undefined
}

/** How much of a process the source has at the moment, whatever rows are asked for. */
export interface Extent {
  /** Message rows of the process. */
  messages: number
  /** Different nonces among them. */
  nonces: number
  /** Least and greatest nonce; undefined where there are no messages. */
  lowest: number | undefined
  highest: number | undefined
}

/** Nonces that no message row has, below the greatest one; or one that several have. Counted from `from` to `to`, both inclusive. */
export type Irregularity =
  | { kind: 'missing'; from: number; to: number }
  | { kind: 'doubled'; nonce: number; rows: readonly number[] }

export interface MigrationSource {
  /**
   * Processes of which these rows have messages; where the range has no end also those of which there are no messages at all. In the
   * order of their ids (as bytes), after this one; a batch at a time, so that memory stays flat. Also ones that have messages and no
   * row among the processes, which only a damaged source has.
   */
  processes(rows: RowRange, after?: string): AsyncIterable<readonly string[]>
  /** How many of them there are, and how many messages, for who waits. */
  size(rows: RowRange): Promise<{ processes: number; messages: number }>

  process(id: string): Promise<SourceProcess | undefined>
  extent(process: string): Promise<Extent>
  /**
   * What is wrong with the nonces of all messages of a process, lowest first, at most `limit` of each kind.
   * @param first the nonce that the first message should have
   */
  irregularities(process: string, first: number, limit: number): Promise<Irregularity[]>

  /** Those messages of a process that are in these rows, from a nonce on, by nonce, then row; a batch at a time. */
  messages(process: string, rows: RowRange, fromNonce: number): AsyncIterable<readonly SourceMessage[]>
  /** The message before a nonce: of those with the greatest nonce below it the first row. */
  before(process: string, nonce: number): Promise<SourceMessage | undefined>
  /** The greatest timestamp of the messages before a nonce, ms. */
  latestBefore(process: string, nonce: number): Promise<number | undefined>
}
