/** A Rust unit as a migration meets it: what it has scheduled stands in rows, in every shape that such a unit ever stored. */
import { idBytes } from '../../../core/ans104/base64url.ts'
import { encodeBundle } from '../../../core/ans104/bundle.ts'
import type { DataItem } from '../../../core/ans104/data-item.ts'
import type { Signer } from '../../../core/ans104/signer.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { SourceMessage, SourceProcess } from '../../../core/ports/migration-source.ts'
import { assignmentTags, type ChainEnd, nextHashChain } from '../../../core/protocol/assignment.ts'

const FORMAT: Tag[] = [
  { name: 'Bundle-Format', value: 'binary' },
  { name: 'Bundle-Version', value: '2.0.0' },
]
const HEIGHT = 1_300_000
/** When such a unit schedules its first message, ms. */
export const THEN = 1_700_000_000_000

export const ao = (type: string, more: Record<string, string> = {}): Tag[] =>
  Object.entries({ 'Data-Protocol': 'ao', Type: type, ...more }).map(([name, value]) => ({ name, value }))

interface Log {
  end: ChainEnd
  next: number
}

export interface Scheduling {
  /** ms; a millisecond after the last one unless said otherwise. */
  timestamp?: number
  /** The outer item is the assignment, as it was before assignments were items of their own. */
  oldest?: boolean
  height?: number
  epoch?: number
}

export class OldUnit {
  readonly processes: SourceProcess[] = []
  readonly messages: SourceMessage[] = []
  readonly signer: Signer
  /** Who posts to it. */
  readonly client: Signer
  now = THEN
  private readonly rows = { processes: 0, messages: 0 }
  private readonly logs = new Map<string, Log>()

  constructor(signer: Signer, client: Signer) {
    this.signer = signer
    this.client = client
  }

  /** Spawns a process. `assigned`: as units do with process assignment on. Gives its id. */
  async spawn({
    assigned = true,
    timestamp,
    data = 'process',
  }: {
    assigned?: boolean
    timestamp?: number
    data?: string
  } = {}): Promise<string> {
    const names = { Module: this.signer.address, Scheduler: this.signer.address }
    const item = await this.client.sign({ tags: ao('Process', names), data: Buffer.from(data) })
    const process = item.id
    const log: Log = { end: { process }, next: 0 }
    this.logs.set(process, log)
    const row = ++this.rows.processes
    const at = this.tick(timestamp)
    if (!assigned) {
      const tags = [...FORMAT, ...place({ height: HEIGHT, timestamp: at })]
      const { raw: bundle } = await this.signer.sign({ tags, data: encodeBundle([item]) })
      this.processes.push({
        row,
        process,
        epoch: undefined,
        nonce: undefined,
        timestamp: undefined,
        hashChain: undefined,
        bundle,
      })
      return process
    }
    const { assignment, hashChain } = await this.assign(log, undefined, { timestamp: at })
    const bundle = await this.wrap([assignment, item])
    this.processes.push({ row, process, epoch: 0, nonce: 0, timestamp: at, hashChain, bundle })
    return process
  }

  /** A message that a user posted, or with `from` one that a process pushed. Gives its id. */
  async post(
    process: string,
    {
      data = 'hello',
      from,
      tags = [],
      ...how
    }: Scheduling & { data?: string | Buffer; from?: string; tags?: Tag[] } = {},
  ): Promise<string> {
    const pushed: Record<string, string> = from === undefined ? {} : { 'From-Process': from }
    const item = await this.client.sign({
      target: idBytes(process),
      tags: [...ao('Message', pushed), ...tags],
      data: Buffer.from(data),
    })
    await this.schedule(process, item, how)
    return item.id
  }

  /** Schedules an item that is signed already. */
  async schedule(process: string, item: DataItem, { oldest = false, ...how }: Scheduling = {}): Promise<void> {
    const log = this.log(process)
    const at = { ...how, timestamp: this.tick(how.timestamp) }
    if (oldest) {
      const { assignment, hashChain } = await this.assign(log, undefined, at, item)
      this.push(process, item.id, undefined, at, hashChain, assignment.raw)
      return
    }
    const { assignment, hashChain } = await this.assign(log, item.id, at)
    this.push(process, item.id, assignment.id, at, hashChain, await this.wrap([assignment, item]))
  }

  /** Assigns a transaction. */
  async assignTransaction(
    process: string,
    transaction: string,
    { exclude, ...how }: Scheduling & { exclude?: string[] } = {},
  ): Promise<void> {
    const at = { ...how, timestamp: this.tick(how.timestamp) }
    const { assignment, hashChain } = await this.assign(this.log(process), transaction, at, undefined, exclude)
    this.push(process, transaction, assignment.id, at, hashChain, await this.wrap([assignment]))
  }

  /** The nonce that the next message gets. */
  nextNonce(process: string): number {
    return this.log(process).next
  }

  private log(process: string): Log {
    const log = this.logs.get(process)
    if (!log) throw new Error('no such process')
    return log
  }

  private tick(timestamp = this.now + 1): number {
    this.now = timestamp
    return timestamp
  }

  private push(
    process: string,
    message: string,
    assignment: string | undefined,
    how: Scheduling & { timestamp: number },
    hashChain: string,
    bundle: Buffer,
  ): void {
    const nonce = this.log(process).next - 1
    const row = ++this.rows.messages
    this.messages.push({
      row,
      process,
      message,
      assignment,
      epoch: how.epoch ?? 0,
      nonce,
      timestamp: how.timestamp,
      hashChain,
      bundle,
    })
  }

  private async assign(
    log: Log,
    message: string | undefined,
    { timestamp, height = HEIGHT, epoch = 0 }: Scheduling & { timestamp: number },
    wrapped?: DataItem,
    exclude: string[] = [],
  ): Promise<{ assignment: DataItem; hashChain: string }> {
    const hashChain = nextHashChain(log.end)
    const tags = assignmentTags({
      process: log.end.process,
      epoch,
      nonce: log.next,
      hashChain,
      blockHeight: height,
      timestamp,
      exclude,
      ...(message !== undefined && { message }),
    })
    const assignment = await this.signer.sign(
      wrapped
        ? { tags: [...FORMAT, ...tags], data: encodeBundle([wrapped]) }
        : { tags, anchor: Buffer.alloc(32, log.next + 1) },
    )
    log.end = { process: log.end.process, hashChain, lastAssignment: idBytes(assignment.id) }
    log.next++
    return { assignment, hashChain: hashChain.toString('base64url') }
  }

  private async wrap(items: readonly DataItem[]): Promise<Buffer> {
    return (await this.signer.sign({ tags: FORMAT, data: encodeBundle(items) })).raw
  }
}

const place = ({ height, timestamp }: { height: number; timestamp: number }): Tag[] => [
  { name: 'Block-Height', value: String(height).padStart(12, '0') },
  { name: 'Timestamp', value: String(timestamp) },
]
