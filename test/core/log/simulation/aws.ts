/**
 * The log and the mailbox as AWS's DynamoDB has them: calls take their time, with a tail; a key takes so many units a second
 * and no more; transactions that overlap on an item conflict; cheap reads lag behind. Built on the fakes, which keep to the
 * ports' behaviours.
 */

import { SchedulerError } from '../../../../core/errors.ts'
import type { Commit, CommitOutcome, LogStore } from '../../../../core/ports/log-store.ts'
import type { Mailbox, News, Offer, OfferName, OfferOutcome } from '../../../../core/ports/mailbox.ts'
import { FakeLogStore } from '../../../fakes/log-store.ts'
import { FakeMailbox } from '../../../fakes/mailbox.ts'
import type { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { Capacity } from './capacity.ts'
import type { Environment } from './environment.ts'
import { type Faults, noFaults } from './network-faults.ts'

const BOXES = 4
const NAMES_A_BOX = 100
/** Of the SDK's, at what is throttled. */
const ATTEMPTS = 3

export interface AwsOptions {
  /** Median latency of a call, ms. */
  latency?: number
  /** How long a cheap read lags at most, ms. */
  lag?: number
  /** Whether reads of the mailbox lag too: the adapter's do not, and nothing rests on that. */
  lagsInMailbox?: boolean
  limits?: { rows: number; bytes: number }
}

interface Row {
  offer: Offer
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
  /** When each item was committed, ms, by process, kind and id. */
  readonly committedAt = new Map<string, number>()
  private readonly mailbox: FakeMailbox
  private readonly clock: VirtualClock
  private readonly latency: number
  private readonly lag: number
  private readonly lagsInMailbox: boolean
  /** Items on which a transaction is under way. */
  private readonly locked = new Set<string>()
  private readonly rows = new Map<string, Map<string, Row>>()
  private written = 0

  constructor(clock: VirtualClock, { latency = 10, lag = 1_000, lagsInMailbox = false, limits }: AwsOptions = {}) {
    this.clock = clock
    this.latency = latency
    this.lag = lag
    this.lagsInMailbox = lagsInMailbox
    this.store = new FakeLogStore(limits)
    this.mailbox = new FakeMailbox(this.store)
    this.capacity = new Capacity(clock)
  }

  /** What an instance sees of it, over a network of its own. */
  seenBy(environment: Environment, faults: Faults = noFaults): { store: LogStore; mailbox: Mailbox } {
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
          return store.head(process)
        }),
        records: read((process, from, to) => store.records(process, from, to)),
        timeKeys: read((process, nonces) => store.timeKeys(process, nonces)),
        find: read((id) => {
          this.capacity.count('find', 'R', 1)
          return store.find(id)
        }),
        setState: read((process, expected, state) => store.setState(process, expected, state)),
        commit: (commit) => this.transact(commit, environment, faults),
        spawn: (spawn) => store.spawn(spawn),
      },
      mailbox: {
        offer: read(async (process, offers) => this.offer(process, offers, faults)),
        names: read(async (process) => this.names(process)),
        open: read(async (process, names) => this.open(process, names)),
        withdraw: read(async (process, names) => this.withdraw(process, names)),
        outcomes: this.outcomes(environment, faults),
        news: this.news(environment, faults),
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

  private mailboxReplica(): number {
    return this.lagsInMailbox ? this.replica() : this.clock.now()
  }

  private async transact(commit: Commit, environment: Environment, faults: Faults): Promise<CommitOutcome> {
    const time = this.time()
    // Tokens help for minutes and are not what the log rests on: a bad network forgets some.
    const sent = faults.forgetsTokens() ? { ...commit, token: `${this.written++}` } : commit
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

  /** The transaction at the store: what it touches is locked while it is under way. */
  private async serve(commit: Commit, ms: number): Promise<CommitOutcome> {
    const { process } = commit.from
    const keys = [
      `head ${process}`,
      ...commit.links.flatMap(({ kind, id, deepHash }) => [
        `${kind} ${id}`,
        ...(deepHash ? [`hash ${deepHash.hash}`] : []),
      ]),
    ]
    if (!this.capacity.take(`head ${process}`, 'W', 2)) return { kind: 'busy' }
    const cost = commit.links.reduce((sum, { item, deepHash }) => {
      const bytes = (item && 'raw' in item ? item.raw.length : 0) + 700
      return sum + 2 * Math.ceil(bytes / 1024) + (deepHash ? 6 : 4)
    }, 2)
    if (keys.some((key) => this.locked.has(key))) {
      this.conflicts++
      this.capacity.count('conflict', 'W', cost)
      return { kind: 'busy' }
    }
    for (const key of keys) this.locked.add(key)
    await this.clock.sleep(ms)
    for (const key of keys) this.locked.delete(key)
    const outcome = await this.store.commit(commit)
    this.capacity.count(outcome.kind === 'committed' ? 'commit' : 'lost', 'W', cost)
    if (outcome.kind === 'committed') {
      for (const { kind, id } of commit.links) {
        const key = `${process} ${kind} ${id}`
        this.committedAt.set(key, this.committedAt.get(key) ?? this.clock.now())
      }
    }
    return outcome
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

  private offer(process: string, offers: readonly Offer[], faults: Faults): void {
    for (const offer of offers) {
      const there = this.box(process).get(offer.id)
      // Keys go round, so that the same seed twice uses the same ones.
      const box = there?.box ?? this.written++ % BOXES
      const [name, body] = faults.rows()
      if (body) this.capacity.count('offer', 'W', Math.ceil((bytesOf(offer) + 200) / 1024))
      if (name) this.writeUnits('offer', `${process}/${box}`, 1)
      const now = this.clock.now()
      const written = { from: now, until: Number.POSITIVE_INFINITY }
      const unwritten = { from: Number.POSITIVE_INFINITY, until: 0 }
      const row = there ?? { offer, box, name: unwritten, body: unwritten }
      this.box(process).set(offer.id, {
        ...row,
        ...(name && { name: written }),
        ...(body && !isVisible(row.body, now) && { body: written }),
      })
      if (!name || !body) throw new SchedulerError('unavailable', 'only some rows were written')
    }
  }

  private names(process: string): OfferName[] {
    const found: OfferName[] = []
    for (let box = 0; box < BOXES; box++) {
      const at = this.mailboxReplica()
      const names = [...this.box(process).values()]
        .filter((row) => row.box === box && isVisible(row.name, at))
        .map(({ offer: { id, since, deadline } }) => ({ id, since, deadline }))
        .sort((a, b) => a.since - b.since)
        .slice(0, NAMES_A_BOX)
      this.readUnits('names', `${process}/${box}`, Math.max(1, Math.ceil((names.length * 130) / 4096)))
      found.push(...names)
    }
    return found.sort((a, b) => a.since - b.since)
  }

  private open(process: string, names: readonly OfferName[]): Offer[] {
    return names.flatMap(({ id }) => {
      const row = this.box(process).get(id)
      const found = row && isVisible(row.body, this.mailboxReplica())
      this.capacity.count('open', 'R', found ? Math.ceil((bytesOf(row.offer) + 200) / 4096) : 1)
      return found ? [row.offer] : []
    })
  }

  private withdraw(process: string, names: readonly OfferName[]): void {
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

  private outcomes(environment: Environment, faults: Faults): Mailbox['outcomes'] {
    const look = async (process: string, offers: readonly Offer[], consistent: boolean) => {
      const time = this.time()
      await environment.sleep(time / 2)
      if (faults.call() === 'request lost') return await faults.timeout(environment)
      const seen = await this.seen(process, offers, consistent)
      await environment.sleep(time / 2)
      return seen
    }
    return async (process, offers) => this.certain(await look(process, offers, false), process, offers, look)
  }

  private news(environment: Environment, faults: Faults): Mailbox['news'] {
    const outcomes = this.outcomes(environment, faults)
    return async (process, offers): Promise<News> => {
      const time = this.time()
      await environment.sleep(time / 2)
      if (faults.call() === 'request lost') return await faults.timeout(environment)
      const first = await this.seen(process, offers, false)
      this.readUnits('head', `head ${process}`, 1)
      const head = await this.store.head(process)
      await environment.sleep(time / 2)
      return {
        outcomes: await this.certain(first, process, offers, (_, doubtful) => outcomes(process, doubtful)),
        ...(head && { head }),
      }
    }
  }

  /** What one call says of these. */
  private async seen(process: string, offers: readonly Offer[], consistent: boolean) {
    const known = await this.mailbox.outcomes(process, offers)
    const seen = new Map<string, OfferOutcome>()
    for (const { id, entry } of offers) {
      this.capacity.count('outcomes', 'R', (entry.deepHash?.claimed ? 2 : 1) * (consistent ? 1 : 0.5))
      const outcome = known.get(id)
      if (!outcome) continue
      const at = this.committedAt.get(`${process} ${entry.kind} ${entry.id}`) ?? 0
      if (consistent || at <= this.replica()) seen.set(id, outcome)
      else if (entry.deepHash?.claimed) seen.set(id, { kind: 'deep-hash', place: outcome.place })
    }
    return seen
  }

  private async certain(
    first: Map<string, OfferOutcome>,
    process: string,
    offers: readonly Offer[],
    again: (process: string, doubtful: readonly Offer[], consistent: boolean) => Promise<Map<string, OfferOutcome>>,
  ): Promise<Map<string, OfferOutcome>> {
    const doubtful = offers.filter(({ id }) => first.get(id)?.kind === 'deep-hash')
    return doubtful.length === 0 ? first : new Map([...first, ...(await again(process, doubtful, true))])
  }
}

const bytesOf = ({ entry: { item } }: Offer): number => (item && 'raw' in item ? item.raw.length : 0)
