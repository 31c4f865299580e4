/** Whatever fails in whatever order: once the faults end, everything is uploaded or a dead letter, and indexed. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPace } from '../../../core/relay/pace.ts'
import { reconcile } from '../../../core/relay/reconcile.ts'
import { createStreamRelay } from '../../../core/relay/stream.ts'
import { runs } from '../../effort.ts'
import type { Operation } from '../../fakes/faults.ts'
import { away, RelayWorld, refused } from './world.ts'

type Fault = 'none' | 'before' | 'after' | 'slow'
const fault = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fault>('none') },
  fc.constantFrom<Fault>('before', 'after', 'slow'),
)
type Verdict = 'takes' | 'is away' | 'refuses' | 'is slow'
const verdict = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Verdict>('takes') },
  fc.constantFrom<Verdict>('is away', 'refuses', 'is slow'),
)

/** What happens in the world beside the relays. */
const step = fc.record({
  /** How many messages come before it, and to which process. */
  messages: fc.nat({ max: 40 }),
  process: fc.nat({ max: 2 }),
  body: fc.constantFrom('record' as const, 'blob' as const),
  kind: fc.constantFrom('message' as const, 'transaction' as const),
  /** Relays of the same changes at the same time. */
  relays: fc.integer({ min: 1, max: 3 }),
  /** Until their deadline, ms. */
  patience: fc.constantFrom(500, 5000, 600_000),
})

it('nothing accepted is ever forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        seed: fc.nat(),
        steps: fc.array(step, { minLength: 1, maxLength: 6 }),
        faults: fc.array(fault, { maxLength: 150 }),
        verdicts: fc.array(verdict, { maxLength: 150 }),
      }),
      async ({ seed, steps, faults, verdicts }) => {
        const world = new RelayWorld(seed)
        const processes = [await world.spawn(), await world.spawn(0, { assigned: false }), await world.spawn(70)]
        const ruin = brokenWorld(world, faults, verdicts)
        const due = new Set(processes)
        // Instances, each with what it knows of the bundler.
        const instances = Array.from({ length: 3 }, () => createStreamRelay(ruin.deps()))
        for (const { messages, process, body, kind, relays, patience } of steps) {
          const changed = processes[process]
          if (changed === undefined) continue
          await world.grow(changed, messages, { body, kind })
          due.add(changed)
          const deadline = world.clock.now() + patience
          const again = await world.clock.run(
            Promise.all(instances.slice(0, relays).map((relay) => relay(due, deadline))),
          )
          expect(ruin.violations).toEqual([])
          // The rest is left to the reconciler, which comes by in the middle of it all.
          due.clear()
          for (const id of again.flatMap((ids) => [...ids])) due.add(id)
          await world.clock.run(reconcile(ruin.deps(), world.clock.now() + 30_000).catch(() => undefined))
          expect(ruin.violations).toEqual([])
          for (const id of world.store.woken.splice(0)) due.add(id)
        }

        world.heal()
        const { deps } = world
        const relay = createStreamRelay(deps)
        for (let minute = 0; minute < 60 * 24; minute++) {
          const { marked } = await world.clock.run(reconcile(deps, world.clock.now() + 30_000))
          if (marked === 0 || isFinished(world)) break
          const woken = world.store.woken.splice(0)
          expect(await world.clock.run(relay(woken, world.clock.now() + 600_000))).toEqual(new Set())
          await world.clock.run(world.clock.sleep(60_000))
        }
        world.checkFinished()
      },
    ),
    { numRuns: runs(150, 40) },
  )
})

/** Nothing is owed any more but dead letters, and no watermark is behind. */
function isFinished(world: RelayWorld): boolean {
  try {
    world.checkFinished()
    return true
  } catch {
    return false
  }
}

/** Has each call of a port draw its fate, until they run out. Keeps what may never be seen. */
function brokenWorld(world: RelayWorld, faults: readonly Fault[], verdicts: readonly Verdict[]) {
  const fates = [...faults]
  const judgements = [...verdicts]
  const violations: unknown[] = []
  const current = new WeakMap<Operation, Fault>()
  const hooks = {
    async before(operation: Operation): Promise<void> {
      const fate = fates.shift() ?? 'none'
      current.set(operation, fate)
      if (fate === 'before') throw new Error('down')
      if (fate === 'slow') await world.clock.sleep(3000)
    },
    after(operation: Operation): void {
      if (operation.name === 'advance') {
        try {
          world.checkWatermarks()
        } catch (error) {
          violations.push(error)
        }
      }
      if (current.get(operation) === 'after') throw new Error('the answer got lost')
    },
  }
  world.log.faults = hooks
  // Its `put` is how the test itself makes the log grow.
  world.blobs.faults = {
    before: (operation) => operation.name === 'get' && hooks.before(operation),
    after: hooks.after,
  }
  world.store.faults = hooks
  world.index.faults = hooks
  const deps = () => ({
    ...world.deps,
    pace: createPace(
      {
        async upload(id: string, raw: Buffer) {
          const judgement = judgements.shift() ?? 'takes'
          if (judgement === 'is away') return away
          if (judgement === 'refuses') return refused
          if (judgement === 'is slow') await world.clock.sleep(20_000)
          return world.bundler.upload(id, raw)
        },
      },
      world.clock,
    ),
  })
  return { deps, violations }
}
