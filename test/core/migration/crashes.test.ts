/** A migration that ends anywhere, is late, or runs several times at once: taken up again it comes to the same, and nothing is served before. */
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Cursor } from '../../../core/migration/order.ts'
import { runs } from '../../effort.ts'
import type { FakeMigrationSource } from '../../fakes/migration-source.ts'
import { mulberry32 } from '../../fakes/virtual-clock.ts'
import { type OldUnit, THEN } from './old-unit.ts'
import { createOldUnit, Stack, sourceOf } from './world.ts'

let old: OldUnit
let processes: string[]
let whole: Stack['held']

beforeAll(async () => {
  old = createOldUnit()
  processes = [await old.spawn(), await old.spawn({ assigned: false }), await old.spawn()]
  for (let i = 0; i < 36; i++) {
    const process = processes[i % 2] as string
    await old.post(process, {
      data: `${i}`,
      ...(i % 5 === 0 && { from: process }),
      oldest: i < 10 && i % 2 === 1,
      timestamp: THEN + Math.floor(i / 3) * 2,
    })
  }
  const stack = new Stack()
  await stack.bring(sourceOf(old))
  whole = stack.held
})

/** Everything that a step may die of. */
class Killed extends Error {}

/** Ends the run at its n-th call of any of its ports: before it happens, or after. */
function mortal(stack: Stack, source: FakeMigrationSource, dies: number, after: boolean): void {
  let calls = 0
  const count = () => {
    if (++calls >= dies) throw new Killed()
  }
  const faults = after ? { after: count } : { before: count }
  stack.imports.faults = faults
  stack.relay.faults = faults
  stack.unit.store.faults = { before: ({ name }) => (name === 'head' ? count() : undefined) }
  source.faults = faults
}

function immortal(stack: Stack): void {
  stack.imports.faults = {}
  stack.relay.faults = {}
  stack.unit.store.faults = {}
}

/** A head that covers records must have them all. */
async function nothingHalfDone(stack: Stack): Promise<void> {
  for (const process of processes) {
    const head = stack.head(process)
    if (!head || head.state === 'incomplete') continue
    const there = old.nextNonce(process)
    expect(head.next).toBe(there)
    const { edges } = await stack.page(process)
    expect(edges.at(-1)?.node.assignment.tags.find(({ name }) => name === 'Nonce')?.value ?? '0').toBe(
      String(there - 1),
    )
  }
}

it('killed before or after any call, and done again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 160 }),
      fc.boolean(),
      fc.integer({ min: 3, max: 40 }),
      async (dies, after, batchRows) => {
        const stack = new Stack()
        const source = () => {
          const { processes, messages } = old
          const made = sourceOf({ processes, messages } as OldUnit)
          Object.assign(made, { batchRows })
          return made
        }
        const first = source()
        mortal(stack, first, dies, after)
        // Beyond it no trouble is borne with: it died.
        await stack.bring(first, {}, { deadline: stack.unit.clock.now() + 1 }).catch(() => undefined)
        immortal(stack)
        await nothingHalfDone(stack)
        expect(await stack.bring(source())).toMatchObject({ done: true, faults: 0, outcomes: { open: 3 } })
        expect(stack.held).toEqual(whole)
      },
    ),
    { numRuns: runs(120, 25) },
  )
})

it('stopped by time again and again, and called with where it came to', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
      const chance = mulberry32(seed)
      const stack = new Stack()
      let after: Cursor | undefined
      for (let calls = 1; ; calls++) {
        const source = sourceOf(old)
        let asked = 0
        const late = 4 + Math.floor(chance() * 12)
        const deps = stack.deps(source)
        const clock = {
          ...deps.clock,
          now: () => (asked >= late ? 2e12 : 1.9e12),
          sleep: async () => {},
          random: chance,
        }
        source.faults = { before: () => void asked++ }
        const brought = await stack.bring(source, { ...(after && { after }) }, { clock, deadline: 1.95e12 })
        await nothingHalfDone(stack)
        if (brought.done) break
        expect(brought.after ?? after).toBeDefined()
        after = brought.after
        expect(calls).toBeLessThan(100)
      }
      expect(stack.held).toEqual(whole)
      for (const process of processes) expect(stack.head(process)?.state).toBe('open')
    }),
    { numRuns: runs(40, 10) },
  )
})

describe('several at once', () => {
  it('over the same rows, and over parts of them, killed and done again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined })),
          { minLength: 2, maxLength: 5 },
        ),
        async (ranges) => {
          const stack = new Stack()
          await Promise.all(ranges.map(([from, to]) => stack.bring(sourceOf(old), { rows: { from, to } })))
          await nothingHalfDone(stack)
          await Promise.all([stack.bring(sourceOf(old)), stack.bring(sourceOf(old))])
          expect(stack.held).toEqual(whole)
        },
      ),
      { numRuns: runs(40, 10) },
    )
  })
})
