/** What another scheduler unit has, in memory, with hooks for faults. A test may change it while it is read. */
import type {
  Extent,
  Irregularity,
  MigrationSource,
  RowRange,
  SourceMessage,
  SourceProcess,
} from '../../core/ports/migration-source.ts'
import { type Faults, faulty } from './faults.ts'

export interface FakeMigrationSourceOptions {
  messages?: readonly SourceMessage[]
  processes?: readonly SourceProcess[]
  batchRows?: number
  batchBytes?: number
}

export class FakeMigrationSource implements MigrationSource {
  faults: Faults<keyof MigrationSource> = {}
  readonly messageRows: SourceMessage[]
  readonly processRows: SourceProcess[]
  readonly #batchRows: number
  readonly #batchBytes: number

  constructor({
    messages = [],
    processes = [],
    batchRows = 10,
    batchBytes = 8_000_000,
  }: FakeMigrationSourceOptions = {}) {
    this.messageRows = [...messages]
    this.processRows = [...processes]
    this.#batchRows = batchRows
    this.#batchBytes = batchBytes
  }

  async *processes(rows: RowRange, after?: string): AsyncGenerator<string[]> {
    for (let last = after; ; ) {
      const batch = await faulty(this.faults, 'processes', [rows, last], () =>
        this.#processesIn(rows)
          .filter((id) => last === undefined || byBytes(id, last) > 0)
          .slice(0, this.#batchRows),
      )
      if (batch.length > 0) yield batch
      if (batch.length < this.#batchRows) return
      last = batch.at(-1)
    }
  }

  async size(rows: RowRange): Promise<{ processes: number; messages: number }> {
    return faulty(this.faults, 'size', [rows], () => ({
      processes: this.#processesIn(rows).length,
      messages: this.messageRows.filter(within(rows)).length,
    }))
  }

  async process(id: string): Promise<SourceProcess | undefined> {
    return faulty(this.faults, 'process', [id], () => this.processRows.find(({ process }) => process === id))
  }

  async extent(process: string): Promise<Extent> {
    return faulty(this.faults, 'extent', [process], () => {
      const messages = this.#messagesOf(process)
      return {
        messages: messages.length,
        nonces: new Set(messages.map(({ nonce }) => nonce)).size,
        lowest: messages.at(0)?.nonce,
        highest: messages.at(-1)?.nonce,
      }
    })
  }

  async irregularities(process: string, first: number, limit: number): Promise<Irregularity[]> {
    return faulty(this.faults, 'irregularities', [process, first, limit], () => {
      const byNonce = Map.groupBy(this.#messagesOf(process), ({ nonce }) => nonce)
      const missing: [number, Irregularity][] = []
      const doubled: [number, Irregularity][] = []
      let next = first
      for (const [nonce, messages] of byNonce) {
        if (nonce > next) missing.push([next, { kind: 'missing', from: next, to: nonce - 1 }])
        next = Math.max(next, nonce + 1)
        if (messages.length > 1) doubled.push([nonce, { kind: 'doubled', nonce, rows: messages.map(({ row }) => row) }])
      }
      return [...missing.slice(0, limit), ...doubled.slice(0, limit)]
        .sort(([a], [b]) => a - b)
        .map(([, found]) => found)
    })
  }

  async *messages(process: string, rows: RowRange, fromNonce: number): AsyncGenerator<SourceMessage[]> {
    for (let nonce = fromNonce, row = -1; ; ) {
      const { asked, batch } = await faulty(this.faults, 'messages', [process, rows, nonce], () => {
        const following = this.#messagesOf(process)
          .filter(within(rows))
          .filter((message) => message.nonce > nonce || (message.nonce === nonce && message.row > row))
          .slice(0, this.#batchRows)
        return { asked: following.length, batch: this.#fitting(following) }
      })
      const end = batch.at(-1)
      if (end === undefined) return
      yield batch
      if (batch.length === asked && asked < this.#batchRows) return
      nonce = end.nonce
      row = end.row
    }
  }

  async before(process: string, nonce: number): Promise<SourceMessage | undefined> {
    return faulty(this.faults, 'before', [process, nonce], () => {
      const below = this.#messagesOf(process).filter((message) => message.nonce < nonce)
      return below.find((message) => message.nonce === below.at(-1)?.nonce)
    })
  }

  async latestBefore(process: string, nonce: number): Promise<number | undefined> {
    return faulty(this.faults, 'latestBefore', [process, nonce], () => {
      const below = this.#messagesOf(process).filter((message) => message.nonce < nonce)
      return below.length === 0 ? undefined : Math.max(...below.map(({ timestamp }) => timestamp))
    })
  }

  #messagesOf(process: string): SourceMessage[] {
    return this.messageRows
      .filter((message) => message.process === process)
      .sort((a, b) => a.nonce - b.nonce || a.row - b.row)
  }

  #processesIn(rows: RowRange): string[] {
    const ids = new Set(this.messageRows.filter(within(rows)).map(({ process }) => process))
    if (rows.to === undefined) {
      const withMessages = new Set(this.messageRows.map(({ process }) => process))
      for (const { process } of this.processRows) if (!withMessages.has(process)) ids.add(process)
    }
    return [...ids].sort(byBytes)
  }

  #fitting(messages: readonly SourceMessage[]): SourceMessage[] {
    let bytes = 0
    return messages.filter(({ bundle }, index) => {
      bytes += bundle.length
      return index === 0 || bytes <= this.#batchBytes
    })
  }
}

const within =
  ({ from, to = Number.POSITIVE_INFINITY }: RowRange) =>
  ({ row }: SourceMessage): boolean =>
    row >= from && row <= to

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
