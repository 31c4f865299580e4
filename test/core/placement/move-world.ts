/** Several units with logs of their own, one table of placements, and the ways to kill or slow down who moves a process. */
import { createHash, randomBytes } from 'node:crypto'
import { idBytes } from '../../../core/ans104/base64url.ts'
import { encodeTags, type Tag } from '../../../core/ans104/tags.ts'
import type { Entry } from '../../../core/log/entry.ts'
import type { Head } from '../../../core/log/record.ts'
import { Sequencer } from '../../../core/log/sequencer.ts'
import { type MoveDeps, type MoveOrder, moveProcess } from '../../../core/placement/move.ts'
import type { UnitStores } from '../../../core/placement/move-stores.ts'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import type { Progress, Sink } from '../../../core/ports/relay-store.ts'
import { createTransactionHasher, messageDeepHash } from '../../../core/protocol/message-deep-hash.ts'
import { createPace } from '../../../core/relay/pace.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeBundler } from '../../fakes/bundler.ts'
import { FakeGateway } from '../../fakes/gateway.ts'
import { FakeLogFence } from '../../fakes/log-fence.ts'
import { FakeLogIdentity } from '../../fakes/log-identity.ts'
import { FakeLogImport } from '../../fakes/log-import.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeMetadataIndex } from '../../fakes/metadata-index.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../../fakes/segment-stores.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { noSubmissionQueue } from '../../fakes/submission-queue.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'

export const DEADLINE_MS = 5_000

/** The relay's memory beside the heads of a log, which it sees move. */
class RelayStoreOfLog extends FakeRelayStore {
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

export class TestUnit {
  readonly url: string
  readonly log = new FakeLogStore()
  readonly imports = new FakeLogImport(this.log)
  readonly fence = new FakeLogFence(this.log)
  readonly blobs = new FakeBlobStore()
  readonly relay = new RelayStoreOfLog(this.log)
  readonly identity = new FakeLogIdentity()
  readonly index = new FakeMetadataIndex()
  sequencer: Sequencer
  readonly #world: MoveWorld

  constructor(world: MoveWorld, name: string) {
    this.#world = world
    this.url = `https://${name}.example`
    const { address: wallet, owner } = world.signer
    this.identity.identity = { wallet, owner, tables: this.identity.tables, generation: 0 }
    this.sequencer = this.instance(this.log)
  }

  /** Another instance of the unit. */
  instance(store: LogStore): Sequencer {
    const { clock, signer } = this.#world
    return new Sequencer({
      store,
      submissionQueue: noSubmissionQueue,
      clock,
      signer,
      meter: noMeter,
      height: () => 1_234_567,
      rememberedHeads: 100,
    })
  }

  /** Relays what there is to be relayed of a process. */
  async relayed(process: string, sinks: readonly Sink[] = ['upload', 'metadata']): Promise<void> {
    const { clock, bundler } = this.#world
    const reading = { records: this.log, blobs: this.blobs }
    const stores = { objects: new FakeSegmentObjects(), indexes: new FakeSegmentIndexes() }
    await relayProcess(
      {
        ...reading,
        segments: createSegmentBuilder({ ...reading, ...stores, clock }),
        store: this.relay,
        pace: createPace(bundler, clock),
        index: this.index,
        sinks,
        meter: noMeter,
        clock,
        log: { warn() {} },
      },
      process,
      { deadline: clock.now() + 60_000 },
    )
  }

  head(process: string): Head | undefined {
    return this.log.held.heads.get(process)
  }

  /** Ids of what its log holds as far as its head goes, by nonce. */
  ids(process: string): Map<number, string> {
    const next = this.head(process)?.next ?? 0
    return new Map(
      [...this.log.held.records.values()]
        .filter((record) => record.process === process && record.nonce < next)
        .map(({ nonce, id }) => [nonce, id]),
    )
  }
}

export class MoveWorld {
  readonly clock: VirtualClock
  readonly signer = createFakeSigner()
  readonly placements = new FakePlacementStore()
  readonly gateway = new FakeGateway()
  readonly bundler = new FakeBundler()
  readonly a: TestUnit
  readonly b: TestUnit
  readonly c: TestUnit

  constructor(seed = 1) {
    this.clock = new VirtualClock(1_700_000_000_000, seed)
    this.a = new TestUnit(this, 'a')
    this.b = new TestUnit(this, 'b')
    this.c = new TestUnit(this, 'c')
  }

  get units(): TestUnit[] {
    return [this.a, this.b, this.c]
  }

  get deps(): MoveDeps {
    const { placements, gateway, clock } = this
    return { placements, gateway, clock }
  }

  /** The move, without a word about uploads unless asked for. */
  async move(process: string, from: UnitStores, to: UnitStores, more: Partial<MoveOrder> = {}, deps = this.deps) {
    return this.clock.run(moveProcess(deps, { process, from, to, uploadPatienceMs: 0, ...more }))
  }

  async item(data: string | Buffer, { target, tags = [] }: { target?: string; tags?: Tag[] } = {}) {
    const { id, raw } = await this.signer.sign({
      tags,
      data: Buffer.from(data),
      ...(target !== undefined && { target: idBytes(target) }),
    })
    return { id, raw }
  }

  /** A process on a unit, settled there, with its record alone. */
  async spawn(unit: TestUnit, { assigned = true } = {}): Promise<string> {
    const item = await this.item('process')
    const { id } = item
    const process = { id, item, assigned, settlementDepth: 20, blockHeight: 1_234_567 }
    await this.clock.run(unit.sequencer.spawn(process, this.clock.now() + DEADLINE_MS))
    this.placements.overwrite({ process: id, unit: unit.url, state: 'settled', refusedBy: [], version: 2, at: 1 })
    return id
  }

  async message(process: string, { pushed = false } = {}): Promise<Entry> {
    const tags = pushed ? [{ name: 'From-Process', value: randomBytes(32).toString('base64url') }] : []
    const item = await this.item(randomBytes(8).toString('hex'), { target: process, tags })
    return { process, kind: 'message', id: item.id, item, exclude: [] }
  }

  /** What a process pushed, and its twin with another signature. */
  async twins(process: string): Promise<[Entry, Entry]> {
    const tags = [{ name: 'From-Process', value: randomBytes(32).toString('base64url') }]
    const entry = async (): Promise<Entry> => {
      const { id, raw } = await this.item('twin', { target: process, tags })
      const hash = messageDeepHash({
        target: idBytes(process),
        anchor: Buffer.alloc(0),
        rawTags: encodeTags(tags),
        tagCount: tags.length,
        data: Buffer.from('twin'),
      })
      return { process, kind: 'message', id, item: { id, raw }, exclude: [], deepHash: { hash, claimed: true } }
    }
    return [await entry(), await entry()]
  }

  async large(unit: TestUnit, process: string): Promise<Entry> {
    const { id, raw } = await this.item(randomBytes(5_000), { target: process })
    const blob = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
    await unit.blobs.put(blob, raw)
    return { process, kind: 'message', id, item: { id, blob, renderedBytes: 9_000 }, exclude: [] }
  }

  /** A transaction that the gateway holds unless told otherwise. */
  transaction(process: string, { baseLayer = false, held = true } = {}): Entry {
    const id = randomBytes(32).toString('base64url')
    const transaction = { id, tags: [{ name: 'a', value: id }], recipient: Buffer.alloc(0), anchor: Buffer.alloc(0) }
    const data = Buffer.from('data')
    if (held) this.gateway.hold({ ...transaction, data })
    const hasher = createTransactionHasher(transaction)
    hasher.update(data)
    const deepHash = baseLayer ? {} : { deepHash: { hash: hasher.digest(), claimed: true } }
    return { process, kind: 'transaction', id, exclude: [], ...deepHash }
  }

  schedule(unit: TestUnit, entry: Entry) {
    return this.clock.run(unit.sequencer.schedule(entry, this.clock.now() + DEADLINE_MS))
  }

  async grow(unit: TestUnit, process: string, messages: number): Promise<void> {
    for (let n = 0; n < messages; n++) await this.schedule(unit, await this.message(process))
  }

  /** Units whose head of the process is open. */
  open(process: string): string[] {
    return this.units.filter((unit) => unit.head(process)?.state === 'open').map(({ url }) => url)
  }
}

/** Who does it is killed: from a certain call on, it reaches nothing and nobody any more. */
export interface Life {
  calls: number
  /** Whether the last call still happens, its answer unheard. */
  lastHappens: boolean
}

export class Killed extends Error {}

/** The same things; each call of one of their ports costs a life one call. */
export function mortal<T extends object>(thing: T, life: Life): T {
  const spend = (): 'live' | 'last' => {
    if (life.calls-- > 0) return 'live'
    if (life.calls === -1 && life.lastHappens) return 'last'
    throw new Killed('killed')
  }
  return wrapped(thing, async (run) => {
    const left = spend()
    const answer = await run()
    if (left === 'last') throw new Killed('killed')
    return answer
  })
}

export type Around = <T>(run: () => Promise<T>, name: string) => Promise<T>

/** Ports within a thing, and their calls, with something around each call. */
export function wrapped<T extends object>(thing: T, around: Around): T {
  return new Proxy(thing, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value === 'function') {
        const call = (args: unknown[]): unknown => Reflect.apply(value, target, args)
        if (value.constructor.name === 'AsyncGeneratorFunction') {
          return async function* (...args: unknown[]) {
            const items = (await around(async () => call(args), String(property))) as AsyncIterable<unknown>
            yield* items
          }
        }
        // What only computes, and the clock, cost nothing.
        if (value.constructor.name !== 'AsyncFunction') return (...args: unknown[]) => call(args)
        return (...args: unknown[]) => around(async () => call(args), String(property))
      }
      return typeof value === 'object' && value !== null ? wrapped(value, around) : value
    },
  })
}
