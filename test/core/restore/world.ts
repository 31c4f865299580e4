/** A unit whose tables are remembered at every moment, and what comes back of them after they are lost. */
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { idBytes } from '../../../core/ans104/base64url.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { createSigner } from '../../../core/ans104/signer.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import { type Owed, type Progress, type Sink, sinks } from '../../../core/ports/relay-store.ts'
import { openPage } from '../../../core/read/page.ts'
import { parsePageQuery } from '../../../core/read/query.ts'
import type { RelayDeps } from '../../../core/relay/deps.ts'
import { resend } from '../../../core/relay/owed.ts'
import { createPace } from '../../../core/relay/pace.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import type { RestoreDeps } from '../../../core/restore/deps.ts'
import type { ProcessReport } from '../../../core/restore/process.ts'
import { type RestoreOptions, restoreLog, takeOver } from '../../../core/restore/restore.ts'
import { assignTransaction } from '../../../core/schedule/assign.ts'
import { postItem } from '../../../core/schedule/post.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }
import { FakeBundler } from '../../fakes/bundler.ts'
import { FakeLogFence } from '../../fakes/log-fence.ts'
import { FakeLogImport } from '../../fakes/log-import.ts'
import { FakeLogRestore } from '../../fakes/log-restore.ts'
import type { FakeLog, FakeLogStore } from '../../fakes/log-store.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { FakeIndexedNonces, FakeKeptBodies, FakeUploadedLog } from '../../fakes/restore-sources.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../../fakes/segment-stores.ts'
import { createUnit, type Unit } from '../../fakes/unit.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'

export const signer = createSigner(wallets.su)
export const user = createSigner(wallets.alice)

const ao = (type: string): Tag[] => [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Type', value: type },
]

/** The relay's memory beside the heads of a log. */
class RelayStoreOf extends FakeRelayStore {
  readonly #log: FakeLogStore

  constructor(log: FakeLogStore) {
    super()
    this.#log = log
  }

  #look(): void {
    for (const { process, next, firstNonce } of this.#log.held.heads.values()) this.moveHead(process, next, firstNonce)
  }

  override async progress(process: string): Promise<Progress | undefined> {
    this.#look()
    return super.progress(process)
  }

  override async *scan(): AsyncGenerator<Progress> {
    this.#look()
    yield* super.scan()
  }
}

/** A unit with what stands beside its log. */
export interface Place {
  unit: Unit
  relay: FakeRelayStore
  segments: FakeSegmentIndexes
}

/** The three tables of a log at a moment. */
export interface Tables {
  heads: { heads: FakeLog['heads']; done: Map<string, Partial<Record<Sink, number>>>; owed: Owed[]; begun: boolean }
  records: FakeLog['records']
  ids: Pick<FakeLog, 'findings' | 'deepHashes'>
}

export class RestoreWorld {
  readonly clock: VirtualClock
  readonly bundler = new FakeBundler()
  readonly uploads = new FakeUploadedLog(this.bundler)
  readonly bodies = new FakeKeptBodies()
  readonly placements = new FakePlacementStore()
  readonly live: Place
  readonly transactions: string[] = []

  constructor(seed = 1) {
    this.clock = new VirtualClock(1_700_000_000_000, seed)
    this.live = this.place()
  }

  place(): Place {
    const unit = createUnit({ clock: this.clock, signer })
    return { unit, relay: new RelayStoreOf(unit.store), segments: new FakeSegmentIndexes() }
  }

  async spawn({ assigned = true } = {}, place = this.live): Promise<string> {
    const tags = [...ao('Process'), { name: 'Module', value: 'm' }, { name: 'Scheduler', value: 's' }]
    const data = randomBytes(8)
    const item = await user.sign({ tags: [...tags, { name: 'Settlement-Depth', value: '7' }], data })
    const { unit } = place
    await this.passing(
      postItem((assigned ? unit : unit.another({ processAssignment: false })).scheduler, item.raw, this.deadline()),
    )
    this.tick()
    return item.id
  }

  message(process: string, { bytes = 8, tags = [] as Tag[] } = {}) {
    return user.sign({ target: idBytes(process), tags: [...ao('Message'), ...tags], data: randomBytes(bytes) })
  }

  async post(process: string, more: { bytes?: number; tags?: Tag[] } = {}, place = this.live): Promise<string> {
    const { id, raw } = await this.message(process, more)
    await this.passing(postItem(place.unit.scheduler, raw, this.deadline()))
    this.tick()
    return id
  }

  pushed = (process: string, place = this.live): Promise<string> =>
    this.post(process, { tags: [{ name: 'From-Process', value: randomBytes(32).toString('base64url') }] }, place)

  async assign(process: string, baseLayer = false, place = this.live): Promise<string> {
    const id = randomBytes(32).toString('base64url')
    this.transactions.push(id)
    const held = { id, tags: [{ name: 'a', value: id }], recipient: Buffer.alloc(0), anchor: Buffer.alloc(0) }
    for (const { gateway } of [this.live.unit, place.unit]) {
      gateway.hold({ ...held, data: Buffer.from(id), confirmations: 100 })
    }
    await this.passing(
      assignTransaction(place.unit.scheduler, { process, transaction: id, baseLayer }, this.deadline()),
    )
    this.tick()
    return id
  }

  deadline = () => this.clock.now() + 20_000

  /** What waits for real signatures and for the virtual clock. */
  async passing<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const done = work.finally(() => {
      isDone = true
    })
    done.catch(() => undefined)
    while (!isDone) {
      await sleep(1)
      if (!isDone) await this.clock.run(this.clock.sleep(1))
    }
    return done
  }

  /** Time goes by, and the network with it. */
  tick(): void {
    this.live.unit.gateway.networkHeight += 1
  }

  relayed(process: string, which: readonly Sink[] = sinks, place = this.live) {
    const { clock } = this
    return clock.run(relayProcess(this.relayDeps(which, place), process, { deadline: clock.now() + 60_000 }))
  }

  private relayDeps(which: readonly Sink[], { unit, relay, segments: indexes }: Place): RelayDeps {
    const { clock, bundler } = this
    const { store: records, blobs, index } = unit
    const packing = { records, blobs, objects: new FakeSegmentObjects(), indexes, clock }
    return {
      records,
      blobs,
      segments: createSegmentBuilder(packing),
      store: relay,
      pace: createPace(bundler, clock),
      index,
      sinks: which,
      meter: noMeter,
      clock,
      log: { warn() {} },
    }
  }

  processes = ({ unit } = this.live): string[] => [...unit.store.held.heads.keys()]

  async allRelayed(place = this.live): Promise<void> {
    for (const process of this.processes(place)) await this.relayed(process, sinks, place)
    // What an earlier run left owed.
    await this.clock.run(this.resendOwed(place))
  }

  private async resendOwed(place: Place): Promise<void> {
    for await (const { outcome } of resend(this.relayDeps(sinks, place), 'all')) void outcome
  }

  /** The tables as they are now. */
  tables({ unit, relay } = this.live): Tables {
    const { heads, records, findings, deepHashes } = unit.store.held
    const done = new Map<string, Partial<Record<Sink, number>>>()
    for (const process of heads.keys()) {
      const marks = sinks.flatMap((sink) => {
        const mark = relay.done(process, sink)
        return mark === undefined ? [] : [[sink, mark] as const]
      })
      done.set(process, Object.fromEntries(marks))
    }
    return {
      heads: { heads: new Map(heads), done, owed: relay.allOwed, begun: unit.identity.identity !== undefined },
      records: new Map(records),
      ids: { findings: new Map(findings), deepHashes: new Map(deepHashes) },
    }
  }

  /** What comes back: other tables that hold this; and everything that is not in tables, as it is. */
  async restored({ heads, records, ids }: Tables, name = 'tables 2'): Promise<Place> {
    const place = this.place()
    const { unit, relay } = place
    const { held } = unit.store
    for (const [key, value] of heads.heads) held.heads.set(key, value)
    for (const [key, value] of records) held.records.set(key, value)
    for (const [key, value] of ids.findings) held.findings.set(key, value)
    for (const [key, value] of ids.deepHashes) held.deepHashes.set(key, value)
    for (const [process, marks] of heads.done) {
      for (const sink of sinks) {
        const mark = marks[sink]
        if (mark !== undefined) await relay.advance(process, { [sink]: { from: undefined, to: mark } })
      }
    }
    await relay.owe(heads.owed)
    if (heads.begun) unit.identity.identity = this.live.unit.identity.identity
    unit.identity.marked = true
    unit.identity.tables = name
    unit.gateway.networkHeight = this.live.unit.gateway.networkHeight
    for (const [key, row] of this.live.unit.index.rows) unit.index.rows.set(key, row)
    for (const { item } of this.live.unit.store.held.records.values()) {
      if (!item || !('blob' in item)) continue
      const raw = await this.live.unit.blobs.get(item.blob)
      await unit.blobs.put(item.blob, raw)
      this.bodies.held.set(item.id, [raw])
    }
    for (const id of this.transactions) {
      const transaction = await this.live.unit.gateway.transaction(id)
      if (transaction) unit.gateway.hold({ ...transaction, data: Buffer.from(id), confirmations: 100 })
    }
    return place
  }

  deps({ unit, relay, segments }: Place, more: Partial<RestoreDeps> = {}): RestoreDeps {
    const { store, identity, blobs, index, gateway } = unit
    return {
      identity,
      wallet: { wallet: signer.address, owner: signer.owner },
      clock: unit.clock,
      log: store,
      restore: new FakeLogRestore(store),
      imports: new FakeLogImport(store),
      fence: new FakeLogFence(store),
      relay,
      segments,
      blobs,
      kept: blobs,
      signed: [this.uploads],
      bodies: [this.bodies, this.uploads],
      uploads: this.uploads,
      metadata: new FakeIndexedNonces(index),
      gateway,
      units: undefined,
      inlineBytes: 4_096,
      ...more,
    }
  }

  async restore(deps: RestoreDeps, options: Partial<RestoreOptions> = {}): Promise<ProcessReport[]> {
    const reports: ProcessReport[] = []
    for await (const report of restoreLog(deps, { write: true, accept: new Set(), ...options })) reports.push(report)
    return reports
  }

  takeOver = (deps: RestoreDeps) => takeOver(deps)

  recordsOf = (process: string, { unit } = this.live): LogRecord[] => {
    const head = unit.store.held.heads.get(process)
    const { records } = unit.store.held
    return [...records.values()]
      .filter((record) => record.process === process && record.nonce < (head?.next ?? 0))
      .sort((a, b) => a.nonce - b.nonce)
  }

  /** The whole schedule up to a nonce, as it is served: for each edge its cursor, and what tells whether it is the same. */
  async page(process: string, { unit } = this.live, to?: number): Promise<string[]> {
    const head = await unit.store.head(process)
    if (!head) throw new Error('no such process')
    const query = parsePageQuery(new URLSearchParams({ limit: '1000', 'to-nonce': `${to ?? head.next}` }))
    let text = ''
    for await (const piece of await (await openPage(unit.reading, head, query)).json()) text += piece
    const { edges } = JSON.parse(text) as { edges: { cursor: string; node: { message: object | null } }[] }
    return edges.map(
      (edge) => `${edge.cursor} ${edge.node.message ? 'message' : 'null'} ${digest(JSON.stringify(edge))}`,
    )
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 8)

/** The id of a record's assignment. */
export const assignmentOf = ({ assignment }: LogRecord): string => (assignment ? parseDataItem(assignment).id : '')
