/**
 * The log and the submission queue as AWS's DynamoDB has them: calls take their time, with a tail; a key takes so many units a second
 * and no more; each row of a transaction is judged, locked and written by itself, so that transactions conflict on some of their
 * rows and readers see some rows before others; cheap reads lag behind. Built on the fakes, which keep to the ports' behaviours.
 */
import type { CancellationReason } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { SchedulerError } from '../../../../core/errors.ts'
import type { Head } from '../../../../core/log/record.ts'
import { sameHead } from '../../../../core/log/state.ts'
import type { Commit, CommitOutcome, Finding, ItemName, LogStore, Standing } from '../../../../core/ports/log-store.ts'
import type { News, Submission, SubmissionName, SubmissionQueue } from '../../../../core/ports/submission-queue.ts'
import { type Attributes, toHeadRow } from '../../../../db/dynamodb/head-row.ts'
import { deepHashRow, itemRow } from '../../../../db/dynamodb/id-row.ts'
import { toOutcomes } from '../../../../db/dynamodb/submission-outcomes.ts'
import { commitOutcome } from '../../../../db/dynamodb/transaction-outcome.ts'
import { FakeLogStore } from '../../../fakes/log-store.ts'
import type { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { Capacity } from './capacity.ts'
import type { Environment } from './environment.ts'
import { type Faults, noFaults } from './network-faults.ts'

const BOXES = 4
const NAMES_A_BOX = 100
/** Of the SDK's, at what is throttled. */
const ATTEMPTS = 3
/** Pauses before each look for a record that is not visible yet, as the adapter has them, ms. */
const LOOK_AGAIN_MS = [0, 5, 10, 20]

export interface AwsOptions {
  /** Median latency of a call, ms. */
  latency?: number
  /** How long a cheap read lags at most, ms. */
  lag?: number
  /** Whether reads of the submission queue lag too: the adapter's do not, and nothing rests on that. */
  lagsInQueue?: boolean
  limits?: { rows: number; bytes: number }
  /** How long after a commit each of its rows may become visible, ms at most. It is locked until then. */
  rowSkew?: number
  /** Share of the deep hashes that are written as before rows named their items. */
  unnamed?: number
}

const None: CancellationReason = { Code: 'None' }
const conflict: CancellationReason = { Code: 'TransactionConflict' }
const refused = (Item?: Attributes): CancellationReason => ({
  Code: 'ConditionalCheckFailed',
  ...(Item && { Item }),
})

const itemKey = (process: string, { kind, id }: ItemName) => `${process} ${kind} ${id}`
const hashKey = (process: string, hash: string) => `${process} hash ${hash}`
const recordKey = (process: string, nonce: number) => `${process} record ${nonce}`
const keyOf = (finding: Finding, id: string) =>
  finding.kind === 'assignment'
    ? `${finding.process} assignment ${id}`
    : itemKey(finding.process, { kind: finding.kind === 'posted' ? 'message' : 'transaction', id })

interface Row {
  submission: Submission
  box: number
  name: Visibility
  body: Visibility
}

/** When a row was written and deleted, ms. */
interface Visibility {
  from: number
  until: number
}

const isVisible = ({ from, until }: Visibility, at: number): boolean => from <= at && at < until

export class Aws {
  readonly store: FakeLogStore
  readonly capacity: Capacity
  conflicts = 0
  /** Cancelled transactions in which some rows conflicted and others failed their conditions. */
  mixed = 0
  /** When each item was committed, ms, by process, kind and id. */
  readonly committedAt = new Map<string, number>()
  private readonly clock: VirtualClock
  private readonly latency: number
  private readonly lag: number
  private readonly lagsInQueue: boolean
  private readonly rowSkew: number
  private readonly unnamed: number
  /** Rows on which a transaction is under way. */
  private readonly locked = new Set<string>()
  /** Rows that are committed and not visible yet; of a head, what is seen meanwhile. */
  private readonly hidden = new Map<string, Head | undefined>()
  /** Rows of the ids table: items and deep hashes. */
  private readonly ids = new Map<string, Attributes>()
  private readonly tokens = new Set<string>()
  private readonly rows = new Map<string, Map<string, Row>>()
  private counter = 0

  constructor(
    clock: VirtualClock,
    { latency = 10, lag = 1_000, lagsInQueue = false, limits, rowSkew = 0, unnamed = 0 }: AwsOptions = {},
  ) {
    this.clock = clock
    this.latency = latency
    this.lag = lag
    this.lagsInQueue = lagsInQueue
    this.store = new FakeLogStore(limits)
    this.rowSkew = rowSkew
    this.unnamed = unnamed
    this.capacity = new Capacity(clock)
  }

  /** What an instance sees of it, over a network of its own. */
  seenBy(environment: Environment, faults: Faults = noFaults): { store: LogStore; submissionQueue: SubmissionQueue } {
    const read =
      <Args extends unknown[], T>(serve: (...args: Args) => Promise<T>) =>
      async (...args: Args): Promise<T> => {
        // The SDK tries again what was throttled.
        for (let attempt = 1; ; attempt++) {
          const time = this.time()
          await environment.sleep(time / 2)
          const fate = faults.call()
          if (fate === 'request lost') return await faults.timeout(environment)
          try {
            const answer = await serve(...args)
            if (fate === 'answer lost') return await faults.timeout(environment)
            await environment.sleep(time / 2)
            return answer
          } catch (error) {
            if (attempt === ATTEMPTS) throw error
            await environment.sleep(100 * 2 ** attempt * this.clock.random())
          }
        }
      }
    const { store } = this
    return {
      store: {
        limits: store.limits,
        cost: (link) => store.cost(link),
        head: read((process) => {
          this.readUnits('head', `head ${process}`, 1)
          return this.headOf(process)
        }),
        records: read((process, from, to) => this.records(environment, process, from, to)),
        timeKeys: read((process, nonces) => store.timeKeys(process, nonces)),
        find: read((id) => {
          this.capacity.count('find', 'R', 1)
          return this.visible(id)
        }),
        findItem: read(async (process, { kind, id }) => {
          this.capacity.count('find', 'R', 1)
          const way = kind === 'message' ? 'posted' : 'assigned'
          return (await this.visible(id)).find((one) => one.process === process && one.kind === way)
        }),
        setState: read((process, expected, state) => store.setState(process, expected, state)),
        commit: (commit) => this.transact(commit, environment, faults),
        spawn: (spawn) => store.spawn(spawn),
      },
      submissionQueue: {
        submit: read(async (process, submissions) => this.submit(process, submissions, faults)),
        names: read(async (process) => this.names(process)),
        open: read(async (process, names) => this.open(process, names)),
        withdraw: read(async (process, names) => this.withdraw(process, names)),
        outcomes: this.asking(environment, faults, async (process, submissions) => this.seen(process, submissions)),
        news: this.asking(environment, faults, async (process, submissions): Promise<News> => {
          this.readUnits('head', `head ${process}`, 1)
          const head = await this.headOf(process)
          return { outcomes: this.seen(process, submissions), ...(head && { head }) }
        }),
      },
    }
  }

  /** Most calls take about the same; one of a hundred far longer. */
  private time(): number {
    const { clock, latency } = this
    return clock.random() < 0.01 ? latency * (3 + 7 * clock.random()) : latency * (0.7 + 0.6 * clock.random())
  }

  /** How far the replica lags that a cheap read happens to meet: one of three never does. */
  private replica(): number {
    const { clock, lag } = this
    const chance = clock.random()
    if (chance < 1 / 3) return clock.now()
    return clock.now() - (chance > 0.995 ? lag * clock.random() : Math.min(lag, 20 * clock.random()))
  }

  private queueReplica(): number {
    return this.lagsInQueue ? this.replica() : this.clock.now()
  }

  private async transact(commit: Commit, environment: Environment, faults: Faults): Promise<CommitOutcome> {
    const time = this.time()
    // Tokens help for minutes and are not what the log rests on: a bad network forgets some.
    const sent = faults.forgetsTokens() ? { ...commit, token: `${this.counter++}` } : commit
    await environment.sleep(time * 0.3)
    const fate = faults.call()
    if (fate === 'request lost') return { kind: 'unanswered', cause: fate }
    if (fate === 'late') {
      // On its way for long: it lands after the instance has asked again, or is dead.
      void this.clock.sleep(1_000 * this.clock.random()).then(() => this.serve(sent, 0))
      await environment.sleep(200 * this.clock.random())
      return { kind: 'unanswered', cause: fate }
    }
    if (fate === 'throttled') return { kind: 'busy' }
    const outcome = await this.serve(sent, time * 0.4)
    if (fate === 'answer lost') {
      await environment.sleep(200)
      return { kind: 'unanswered', cause: fate }
    }
    await environment.sleep(time * 0.3)
    return outcome
  }

  /** The transaction at the store: its rows are locked while it is under way, and until they are visible. */
  private async serve(commit: Commit, ms: number): Promise<CommitOutcome> {
    if (this.tokens.has(commit.token)) return { kind: 'committed' }
    const { process } = commit.from
    const { links } = commit
    const cost = links.reduce((sum, { item, deepHash }) => {
      const bytes = (item && 'raw' in item ? item.raw.length : 0) + 700
      return sum + 2 * Math.ceil(bytes / 1024) + (deepHash ? 6 : 4)
    }, 2)
    const cancelled = (reasons: readonly CancellationReason[], use: string): CommitOutcome => {
      this.capacity.count(use, 'W', cost)
      return commitOutcome(reasons, links)
    }
    const isThrottled = !this.capacity.take(`head ${process}`, 'W', 2)
    const keys = this.keysOf(commit)
    if (isThrottled || keys.some((key) => this.locked.has(key))) {
      const reasons = this.judge(commit)
      if (isThrottled) reasons[0] = { Code: 'ThrottlingError' }
      if (reasons.includes(conflict)) this.conflicts++
      if (reasons.some(({ Code }) => Code === 'ConditionalCheckFailed')) this.mixed++
      return isThrottled ? commitOutcome(reasons, links) : cancelled(reasons, 'conflict')
    }
    for (const key of keys) this.locked.add(key)
    await this.clock.sleep(ms)
    for (const key of keys) this.locked.delete(key)
    const reasons = this.judge(commit)
    const before = this.store.held.heads.get(process)
    const outcome = await this.store.commit(commit)
    if (outcome.kind !== 'committed') {
      if (reasons.every(({ Code }) => Code === 'None')) {
        this.capacity.count('lost', 'W', cost)
        return outcome
      }
      return cancelled(reasons, 'lost')
    }
    this.capacity.count('commit', 'W', cost)
    this.tokens.add(commit.token)
    this.written(commit)
    for (const key of keys) {
      const hiddenFor = this.rowSkew * (this.rowSkew > 0 ? this.clock.random() : 0)
      if (hiddenFor === 0) continue
      this.locked.add(key)
      this.hidden.set(key, key === `head ${process}` ? before : undefined)
      void this.clock.sleep(hiddenFor).then(() => {
        this.locked.delete(key)
        this.hidden.delete(key)
      })
    }
    return outcome
  }

  /** The rows that a commit touches, in the order of the transaction. */
  private keysOf({ from: { process }, links }: Commit): string[] {
    return [
      `head ${process}`,
      ...links.flatMap((link) => [
        recordKey(process, link.nonce),
        itemKey(process, link),
        `${process} assignment ${link.assignmentId}`,
        ...(link.deepHash ? [hashKey(process, link.deepHash.hash)] : []),
      ]),
    ]
  }

  /** What DynamoDB says of each row. */
  private judge(commit: Commit): CancellationReason[] {
    const { from, links } = commit
    const { process } = from
    const head = this.store.held.heads.get(process)
    const refusals: (CancellationReason | undefined)[] = [
      head?.state === 'open' && sameHead(head, from) ? undefined : refused(head && rowOf(head)),
      ...links.flatMap((link) => {
        const item = this.ids.get(itemKey(process, link))
        const hash = link.deepHash && this.ids.get(hashKey(process, link.deepHash.hash))
        return [
          this.store.held.records.has(`${process}/${link.nonce}`) ? refused() : undefined,
          item && refused(item),
          undefined,
          ...(link.deepHash ? [link.deepHash.claimed && hash ? refused(hash) : undefined] : []),
        ]
      }),
    ]
    return this.keysOf(commit).map((key, index) => (this.locked.has(key) ? conflict : (refusals[index] ?? None)))
  }

  /** Keeps a commit's rows of the ids table. For a commit that a test makes at the store itself, too. */
  written({ from: { process }, links }: Commit): void {
    for (const link of links) {
      const key = itemKey(process, link)
      const item = itemRow('ids', process, link).Put?.Item
      if (item) this.ids.set(key, item)
      this.committedAt.set(key, this.committedAt.get(key) ?? this.clock.now())
      if (!link.deepHash || this.ids.has(hashKey(process, link.deepHash.hash))) continue
      const claimed = { ...link, deepHash: { ...link.deepHash, claimed: true } }
      const { owner, ...hash } = deepHashRow('ids', process, claimed)?.Put?.Item ?? {}
      const isNamed = this.unnamed === 0 || this.clock.random() >= this.unnamed
      this.ids.set(hashKey(process, link.deepHash.hash), { ...hash, ...(isNamed && owner && { owner }) })
    }
  }

  private async headOf(process: string): Promise<Head | undefined> {
    const key = `head ${process}`
    return this.hidden.has(key) ? this.hidden.get(key) : this.store.head(process)
  }

  private async visible(id: string): Promise<Finding[]> {
    return (await this.store.find(id)).filter((finding) => !this.hidden.has(keyOf(finding, id)))
  }

  private async records(environment: Environment, process: string, from: number, to: number) {
    const keys = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => recordKey(process, from + i))
    for (const ms of LOOK_AGAIN_MS) {
      if (ms > 0) await environment.sleep(ms)
      if (!keys.some((key) => this.hidden.has(key))) return this.store.records(process, from, to)
    }
    throw new SchedulerError('unavailable', 'A record is not visible yet.')
  }

  private readUnits(use: string, key: string, amount: number): void {
    this.capacity.count(use, 'R', amount)
    if (!this.capacity.take(key, 'R', amount)) throw new SchedulerError('unavailable', 'throttled')
  }

  private writeUnits(use: string, key: string, amount: number): void {
    this.capacity.count(use, 'W', amount)
    if (!this.capacity.take(key, 'W', amount)) throw new SchedulerError('unavailable', 'throttled')
  }

  private box(process: string): Map<string, Row> {
    const rows = this.rows.get(process) ?? new Map<string, Row>()
    this.rows.set(process, rows)
    return rows
  }

  private submit(process: string, submissions: readonly Submission[], faults: Faults): void {
    for (const submission of submissions) {
      const there = this.box(process).get(submission.id)
      // Keys go round, so that the same seed twice uses the same ones.
      const box = there?.box ?? this.counter++ % BOXES
      const [name, body] = faults.rows()
      if (body) this.capacity.count('submission', 'W', Math.ceil((bytesOf(submission) + 200) / 1024))
      if (name) this.writeUnits('submission', `${process}/${box}`, 1)
      const now = this.clock.now()
      const written = { from: now, until: Number.POSITIVE_INFINITY }
      const unwritten = { from: Number.POSITIVE_INFINITY, until: 0 }
      const row = there ?? { submission, box, name: unwritten, body: unwritten }
      this.box(process).set(submission.id, {
        ...row,
        ...(name && { name: written }),
        ...(body && !isVisible(row.body, now) && { body: written }),
      })
      if (!name || !body) throw new SchedulerError('unavailable', 'only some rows were written')
    }
  }

  private names(process: string): SubmissionName[] {
    const found: SubmissionName[] = []
    for (let box = 0; box < BOXES; box++) {
      const at = this.queueReplica()
      const names = [...this.box(process).values()]
        .filter((row) => row.box === box && isVisible(row.name, at))
        .map(({ submission: { id, since, deadline } }) => ({ id, since, deadline }))
        .sort((a, b) => a.since - b.since)
        .slice(0, NAMES_A_BOX)
      this.readUnits('names', `${process}/${box}`, Math.max(1, Math.ceil((names.length * 130) / 4096)))
      found.push(...names)
    }
    return found.sort((a, b) => a.since - b.since)
  }

  private open(process: string, names: readonly SubmissionName[]): Submission[] {
    return names.flatMap(({ id }) => {
      const row = this.box(process).get(id)
      const found = row && isVisible(row.body, this.queueReplica())
      this.capacity.count('open', 'R', found ? Math.ceil((bytesOf(row.submission) + 200) / 4096) : 1)
      return found ? [row.submission] : []
    })
  }

  private withdraw(process: string, names: readonly SubmissionName[]): void {
    const box = this.box(process)
    for (const { id } of names) {
      const row = box.get(id)
      if (!row) continue
      this.writeUnits('withdraw', `${process}/${row.box}`, 1)
      const now = this.clock.now()
      if (row.name.until > now) row.name = { ...row.name, until: now }
    }
    const old = this.clock.now() - 2_000
    for (const [id, { name }] of box) if (name.until < old) box.delete(id)
  }

  /** A question that is not asked again where it fails. */
  private asking<T>(
    environment: Environment,
    faults: Faults,
    answer: (process: string, submissions: readonly Submission[]) => Promise<T>,
  ): (process: string, submissions: readonly Submission[]) => Promise<T> {
    return async (process, submissions) => {
      const time = this.time()
      await environment.sleep(time / 2)
      if (faults.call() === 'request lost') return await faults.timeout(environment)
      const seen = await answer(process, submissions)
      await environment.sleep(time / 2)
      return seen
    }
  }

  /** What one call says of these: each row by itself, of a replica that may lag. */
  private seen(process: string, submissions: readonly Submission[]): Map<string, Standing> {
    const rows: Attributes[] = []
    const look = (key: string, isFresh: boolean) => {
      const row = this.ids.get(key)
      if (row && isFresh && !this.hidden.has(key)) rows.push(row)
    }
    for (const { entry } of submissions) {
      this.capacity.count('outcomes', 'R', entry.deepHash?.claimed ? 1 : 0.5)
      const key = itemKey(process, entry)
      if (this.ids.has(key)) look(key, (this.committedAt.get(key) ?? 0) <= this.replica())
      if (entry.deepHash?.claimed) look(hashKey(process, entry.deepHash.hash), true)
    }
    return toOutcomes(process, submissions, rows)
  }
}

const rowOf = (head: Head): Attributes => ({ ...toHeadRow(head), ...(head.lease && marshall({ lease: head.lease })) })

const bytesOf = ({ entry: { item } }: Submission): number => (item && 'raw' in item ? item.raw.length : 0)
