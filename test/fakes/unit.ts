/** A whole scheduler unit over fakes: all that posting, assigning and reading need, and a list of what was asked of whom. */
import type { Signer } from '../../core/ans104/signer.ts'
import { Sequencer } from '../../core/log/sequencer.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { type Meter, noMeter } from '../../core/ports/meter.ts'
import { alone, type OwnPlacement } from '../../core/ports/own-placement.ts'
import { createBodyReads } from '../../core/read/bodies.ts'
import { defaultMaxPageBytes, type ReadDeps } from '../../core/read/deps.ts'
import { createLogMemory } from '../../core/read/log-memory.ts'
import { createProcessMemory } from '../../core/read/process-memory.ts'
import { IdentityGuard } from '../../core/schedule/identity-guard.ts'
import { NetworkHeight } from '../../core/schedule/network-height.ts'
import type { Scheduler, SchedulingRules } from '../../core/schedule/scheduler.ts'
import { FakeBlobStore } from './blob-store.ts'
import { FakeGateway } from './gateway.ts'
import { FakeHeightStore } from './height-store.ts'
import { FakeLists } from './lists.ts'
import { FakeLogIdentity } from './log-identity.ts'
import { FakeLogStore } from './log-store.ts'
import { FakeMetadataIndex } from './metadata-index.ts'
import { FakeSegmentDamage, FakeSegments } from './segments.ts'
import { createFakeSigner } from './signer.ts'
import { FakeSubmissionQueue } from './submission-queue.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface UnitOptions<C extends Clock = VirtualClock> {
  rules?: Partial<SchedulingRules>
  clock?: C
  signer?: Signer
  meter?: Meter
  maxPageBytes?: number
  placement?: OwnPlacement
}

export interface Unit<C extends Clock = VirtualClock> extends ReturnType<typeof createStores> {
  clock: C
  signer: Signer
  scheduler: Scheduler
  reading: ReadDeps
  /** Every call of a port so far, as `port.method`, in order. */
  calls: string[]
  /** Another instance over the same stores, which remembers nothing. */
  another(rules?: Partial<SchedulingRules>): Unit<C>
}

/** The rules of a public unit (contract, "Defaults"). */
const defaults: SchedulingRules = {
  signatureTypes: [1, 3],
  processAssignment: true,
  deepHashChecks: true,
  retryWindowMs: 1_800_000,
  inlineBytes: 4096,
}

const createStores = () => ({
  store: new FakeLogStore(),
  blobs: new FakeBlobStore(),
  gateway: new FakeGateway(),
  lists: new FakeLists(),
  heights: new FakeHeightStore(),
  identity: new FakeLogIdentity(),
  index: new FakeMetadataIndex(),
  segments: new FakeSegments(),
  damage: new FakeSegmentDamage(),
})

export function createUnit(options?: UnitOptions): Unit
export function createUnit<C extends Clock>(options: UnitOptions<C> & { clock: C }): Unit<C>
export function createUnit({ clock = new VirtualClock(), ...options }: UnitOptions<Clock> = {}): Unit<Clock> {
  return assemble(createStores(), clock, options)
}

function assemble<C extends Clock>(
  stores: ReturnType<typeof createStores>,
  clock: C,
  options: Omit<UnitOptions<C>, 'clock'>,
): Unit<C> {
  const {
    rules,
    signer = createFakeSigner(),
    meter = noMeter,
    maxPageBytes = defaultMaxPageBytes,
    placement = alone,
  } = options
  const calls: string[] = []
  const store = recording('store', stores.store, calls)
  const blobs = recording('blobs', stores.blobs, calls)
  const gateway = recording('gateway', stores.gateway, calls)
  const lists = recording('lists', stores.lists, calls)
  const height = new NetworkHeight(recording('heights', stores.heights, calls), gateway, clock)
  const identity = new IdentityGuard(recording('identity', stores.identity, calls), signer, clock)
  const sequencer = new Sequencer({
    store,
    submissionQueue: new FakeSubmissionQueue(stores.store),
    signer,
    clock,
    meter,
    height: () => height.last,
    rememberedHeads: 100,
  })
  return {
    ...stores,
    clock,
    signer,
    calls,
    scheduler: {
      sequencer,
      store,
      blobs,
      gateway,
      lists,
      height,
      identity,
      placement,
      clock,
      rules: { ...defaults, ...rules },
    },
    reading: {
      log: store,
      bodies: createBodyReads({ blobs, meter, clock }),
      segments: recording('segments', stores.segments, calls),
      damage: stores.damage,
      times: recording('index', stores.index, calls),
      memory: createProcessMemory(),
      nodes: createLogMemory(),
      meter,
      clock,
      maxPageBytes,
    },
    another: (others) => assemble(stores, clock, { ...options, rules: { ...rules, ...others } }),
  }
}

/** The same port, its calls written down. */
function recording<T extends object>(name: string, port: T, calls: string[]): T {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        // What only computes (`cost`, …) is no call that anybody would have to wait for.
        if (value.constructor.name === 'AsyncFunction') calls.push(`${name}.${String(property)}`)
        return Reflect.apply(value, target, args)
      }
    },
  })
}
