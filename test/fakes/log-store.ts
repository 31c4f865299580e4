/**
 * The log's store in memory: every condition of the port, each operation atomic, with hooks for faults. Misuse that the
 * real store would reject as a bug (a row twice in a commit, a link out of place) throws a plain Error.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Place, SchedulerError } from '../../core/errors.ts'
import type { Head, HeadState, LogRecord } from '../../core/log/record.ts'
import {
  type Commit,
  type CommitLimits,
  type CommitOutcome,
  type Finding,
  type ItemName,
  type Link,
  type LogStore,
  MAX_FINDINGS,
  type Spawn,
  type SpawnOutcome,
  type Standing,
} from '../../core/ports/log-store.ts'
import { type Faults, faulty, isInterference } from './faults.ts'

export type LogOperation = 'head' | 'commit' | 'spawn' | 'records' | 'timeKeys' | 'find' | 'findItem' | 'setState'

const postedOrAssigned = (kind: Link['kind']): 'posted' | 'assigned' => (kind === 'message' ? 'posted' : 'assigned')

const placeOf = (link: Link): Place => ({
  assignment: link.assignmentId,
  nonce: link.nonce,
  timestamp: link.timestamp,
})

export const standingOf = ({ place, submission, successor }: Finding): Standing => ({
  kind: 'scheduled',
  place: { ...place },
  ...(submission !== undefined && { submission }),
  ...(successor && { successor }),
})

const sameHead = (a: Head, b: Head): boolean =>
  isDeepStrictEqual({ ...a, state: '', awaits: 0, lease: undefined }, { ...b, state: '', awaits: 0, lease: undefined })

/** What a log holds; its other ports' fakes work on it too. */
export interface FakeLog {
  heads: Map<string, Head>
  /** By `process/nonce`. */
  records: Map<string, LogRecord>
  /** By id: all its places. */
  findings: Map<string, Finding[]>
  /** By `process/hash`. */
  deepHashes: Map<string, Place & { owner?: ItemName }>
}

export class FakeLogStore implements LogStore {
  readonly limits: CommitLimits
  faults: Faults<LogOperation> = {}
  /** Records in one answer at most, as where they are large. */
  recordsAtOnce = Number.POSITIVE_INFINITY
  readonly held: FakeLog = { heads: new Map(), records: new Map(), findings: new Map(), deepHashes: new Map() }
  /** Transactions that happened, by token. */
  readonly #done = new Map<string, Commit | Spawn>()

  constructor(limits: CommitLimits = { rows: 99, bytes: 4_000_000 }) {
    this.limits = limits
  }

  cost(link: Pick<Link, 'item' | 'deepHash'>): { rows: number; bytes: number } {
    const body = link.item !== undefined && 'raw' in link.item ? link.item.raw.length : 0
    return { rows: link.deepHash === undefined ? 3 : 4, bytes: body + 3000 }
  }

  async head(process: string): Promise<Head | undefined> {
    return faulty(this.faults, 'head', [process], () => this.#head(process))
  }

  async commit(commit: Commit): Promise<CommitOutcome> {
    return this.#transact('commit', commit, () => this.#commit(commit))
  }

  async spawn(spawn: Spawn): Promise<SpawnOutcome> {
    return this.#transact('spawn', spawn, () => this.#spawn(spawn))
  }

  async records(process: string, from: number, to: number): Promise<LogRecord[]> {
    return faulty(this.faults, 'records', [process, from, to], () => {
      const records: LogRecord[] = []
      for (let nonce = from; nonce <= to; nonce++) records.push({ ...this.#record(process, nonce) })
      return records.slice(0, this.recordsAtOnce)
    })
  }

  async timeKeys(process: string, nonces: readonly number[]): Promise<number[]> {
    return faulty(this.faults, 'timeKeys', [process, nonces], () =>
      nonces.map((nonce) => this.#record(process, nonce).timeKey),
    )
  }

  async find(id: string): Promise<Finding[]> {
    return faulty(this.faults, 'find', [id], () =>
      (this.held.findings.get(id) ?? [])
        .map((finding) => ({ ...finding, place: { ...finding.place } }))
        .sort((a, b) => (`${a.kind}#${a.process}` < `${b.kind}#${b.process}` ? 1 : -1))
        .slice(0, MAX_FINDINGS)
        .sort((a, b) => a.place.timestamp - b.place.timestamp || a.place.nonce - b.place.nonce),
    )
  }

  async findItem(process: string, item: ItemName): Promise<Finding | undefined> {
    return faulty(this.faults, 'findItem', [process, item], () => this.#item(process, item))
  }

  async setState(process: string, expected: HeadState, state: HeadState): Promise<boolean> {
    return faulty(this.faults, 'setState', [process, expected, state], () => {
      const head = this.held.heads.get(process)
      if (head?.state !== expected) return false
      this.held.heads.set(process, { ...head, state })
      return true
    })
  }

  /**
   * Puts a process's head and records there as they are, without conditions: a migrated history, or a broken one.
   * `assignmentIds` makes assignments findable, by nonce.
   */
  restore(head: Head, records: readonly LogRecord[], assignmentIds: ReadonlyMap<number, string> = new Map()): void {
    this.held.heads.set(head.process, { ...head })
    for (const record of records) {
      this.#put(record)
      const assignment = assignmentIds.get(record.nonce) ?? ''
      const { process, kind } = record
      const place = { assignment, nonce: record.nonce, timestamp: record.timestamp }
      if (kind !== 'process') this.#addFinding(record.id, { process, kind: postedOrAssigned(kind), place })
      if (assignment !== '') this.#addFinding(assignment, { process, kind: 'assignment', place })
    }
  }

  /** The place of a deep hash in a process. */
  deepHash(process: string, hash: string): Extract<Standing, { kind: 'deep-hash' }> | undefined {
    const there = this.held.deepHashes.get(`${process}/${hash}`)
    if (there === undefined) return undefined
    const { owner, ...place } = there
    return { kind: 'deep-hash', place, ...(owner && { owner }) }
  }

  /** As DynamoDB does ten minutes later: what comes again is judged by its conditions. */
  forgetTokens(): void {
    this.#done.clear()
  }

  /** Loses one record, as no store should. */
  lose(process: string, nonce: number): void {
    this.held.records.delete(`${process}/${nonce}`)
  }

  async #transact<T extends CommitOutcome | SpawnOutcome>(
    name: 'commit' | 'spawn',
    transaction: Commit | Spawn,
    run: () => T,
  ): Promise<T | { kind: 'unanswered'; cause: unknown }> {
    const operation = { name, args: [transaction] }
    try {
      const wish = await this.faults.before?.(operation)
      if (isInterference(wish)) {
        if ('outcome' in wish) return wish.outcome as T
        wish.lands?.then(run).catch(() => undefined)
        return { kind: 'unanswered', cause: wish.unanswered }
      }
    } catch (cause) {
      return { kind: 'unanswered', cause }
    }
    const outcome = run()
    try {
      await this.faults.after?.(operation)
    } catch (cause) {
      return { kind: 'unanswered', cause }
    }
    return outcome
  }

  #commit(commit: Commit): CommitOutcome {
    this.#checkShape(commit)
    if (this.#happened(commit)) return { kind: 'committed' }
    const { process } = commit.from
    const head = this.held.heads.get(process)
    const moved = head === undefined || head.state !== 'open' || !sameHead(head, commit.from)
    const current = moved && head !== undefined ? { head: { ...head } } : {}

    const refusals = new Map<number, Standing>()
    for (const [index, link] of commit.links.entries()) {
      const there = this.#item(process, link)
      const known = link.deepHash?.claimed ? this.deepHash(process, link.deepHash.hash) : undefined
      if (there !== undefined) refusals.set(index, standingOf(there))
      else if (known !== undefined) refusals.set(index, known)
    }
    if (refusals.size > 0) return { kind: 'refused', refusals, ...current }
    if (moved || commit.links.some((link) => this.held.records.has(`${process}/${link.nonce}`))) {
      return { kind: 'head-moved', ...current }
    }

    // What a commit does not write stays as it is.
    const { awaits, lease } = head
    this.held.heads.set(process, { ...(lease && { lease }), ...commit.to, ...(awaits !== undefined && { awaits }) })
    let timeKey = commit.from.timestamp
    for (const link of commit.links) {
      const { kind, id, nonce, timestamp, blockHeight, assignment, item } = link
      timeKey = Math.max(timeKey, timestamp)
      this.#put({ process, nonce, kind, assignment, id, timestamp, timeKey, blockHeight, ...(item && { item }) })
      this.#addFinding(id, {
        process,
        kind: postedOrAssigned(kind),
        place: placeOf(link),
        ...(link.submission !== undefined && { submission: link.submission }),
        ...(link.successor && { successor: true }),
      })
      this.#addFinding(link.assignmentId, { process, kind: 'assignment', place: placeOf(link) })
      const key = `${process}/${link.deepHash?.hash}`
      if (link.deepHash !== undefined && !this.held.deepHashes.has(key))
        this.held.deepHashes.set(key, { ...placeOf(link), owner: { kind, id } })
    }
    this.#done.set(commit.token, commit)
    return { kind: 'committed' }
  }

  #spawn(spawn: Spawn): SpawnOutcome {
    if (spawn.token.length > 36) throw new Error('a token of more than 36 characters')
    if (this.#happened(spawn)) return { kind: 'committed' }
    const { head, record, assignmentId } = spawn
    const there = this.held.heads.get(head.process)
    if (there !== undefined) return { kind: 'exists', head: { ...there } }
    this.held.heads.set(head.process, { ...head })
    this.#put(record)
    if (assignmentId !== undefined) {
      const place = { assignment: assignmentId, nonce: record.nonce, timestamp: record.timestamp }
      this.#addFinding(assignmentId, { process: head.process, kind: 'assignment', place })
    }
    this.#done.set(spawn.token, spawn)
    return { kind: 'committed' }
  }

  /** A repeated token is the same transaction: it happens once, and its repetition is answered like the first. */
  #happened(transaction: Commit | Spawn): boolean {
    const done = this.#done.get(transaction.token)
    if (done === undefined) return false
    if (!isDeepStrictEqual(done, transaction)) throw new Error('a token that belongs to another transaction')
    return true
  }

  #checkShape({ from, to, links, token }: Commit): void {
    if (token.length > 36) throw new Error('a token of more than 36 characters')
    if (links.length === 0) throw new Error('a commit without a link')
    if (links.some((link, index) => link.nonce !== from.next + index) || to.next !== from.next + links.length) {
      throw new Error('a link out of place')
    }
    if (from.process !== to.process) throw new Error('a commit over two processes')
    const rows = links.flatMap((link) => [
      `${link.kind} ${link.id}`,
      ...(link.deepHash === undefined ? [] : [`deep hash ${link.deepHash.hash}`]),
    ])
    if (new Set(rows).size !== rows.length) throw new Error('a commit that touches a row twice')
    const costs = links.map((link) => this.cost(link))
    const sum = (part: 'rows' | 'bytes') => costs.reduce((total, cost) => total + cost[part], 0)
    if (sum('rows') > this.limits.rows || sum('bytes') > this.limits.bytes) throw new Error('a commit over the limits')
  }

  #item(process: string, { kind, id }: ItemName): Finding | undefined {
    return this.held.findings.get(id)?.find((one) => one.process === process && one.kind === postedOrAssigned(kind))
  }

  #head(process: string): Head | undefined {
    const head = this.held.heads.get(process)
    return head === undefined ? undefined : { ...head }
  }

  #record(process: string, nonce: number): LogRecord {
    const record = this.held.records.get(`${process}/${nonce}`)
    if (record === undefined) throw new SchedulerError('unavailable', 'A record of the log is missing.')
    return record
  }

  #put(record: LogRecord): void {
    this.held.records.set(`${record.process}/${record.nonce}`, { ...record })
  }

  #addFinding(id: string, finding: Finding): void {
    this.held.findings.set(id, [...(this.held.findings.get(id) ?? []), finding])
  }
}
