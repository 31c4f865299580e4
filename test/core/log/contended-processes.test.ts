/**
 * How a process fares with many writers on many instances, in virtual time over a store that behaves as AWS's does: 10 ms a
 * call with a tail, a signature 1.7 ms, so that nothing can be faster than 588 messages a second (530 with what else there is
 * to do). `docs/contended-processes.md` has the figures.
 */
import { describe, expect, it } from 'vitest'
import { runs } from '../../effort.ts'
import { type LoadOptions, load } from './simulation/load.ts'
import { previousUnit } from './simulation/previous-version.ts'

/** Messages a second that one signature after the other allows. */
const BOUND = 530

/** The same seeds in each run: the figures that they give are stated. */
const drawn = [1, 2, 3].slice(0, runs(3, 1))

async function measure(options: LoadOptions) {
  const run = await load({ length: 8_000, ...options })
  const [first] = run.processes
  if (!first) throw new Error('no process')
  expect(run.processes.flatMap(({ failures }) => failures)).toEqual([])
  return { ...run, ...first }
}

const racing = (options: LoadOptions) => measure({ ...options, unit: previousUnit })

function expectCheap(run: Awaited<ReturnType<typeof measure>>) {
  expect(run.writeUnits).toBeLessThan(20)
  expect(run.readUnits).toBeLessThan(12)
  expect(run.signatures).toBeLessThan(1.05)
  expect(run.throttled).toBe(0)
  expect(run.peakWrites).toBeLessThan(0.5)
  expect(run.peakReads).toBeLessThan(0.5)
}

describe('writers on instances of one request each', () => {
  it.each(drawn)('two hundred: near the signing bound, seed %s', async (seed) => {
    const run = await measure({ writers: [200], length: 12_000, seed })
    expect(run.rate).toBeGreaterThan(0.95 * BOUND)
    expect(run.p99).toBeLessThan(600)
    // Everybody comes in the order in which he came, over several terms.
    expect(run.overtaken).toBeLessThan(150)
    expect(run.max).toBeLessThan(1_200)
    expectCheap(run)
  })

  it.each(drawn)('thirty-two: three quarters of it, seed %s', async (seed) => {
    const run = await measure({ writers: [32], length: 12_000, seed })
    expect(run.rate).toBeGreaterThan(0.75 * BOUND)
    expect(run.p99).toBeLessThan(300)
    expect(run.overtaken).toBeLessThan(200)
    expectCheap(run)
  })

  it.each([1_000].slice(0, runs(1, 0)))('%s: at the bound too, each in its turn', async (writers) => {
    const run = await measure({ writers: [writers], warmUp: 5_000, length: 6_000, seed: 4 })
    expect(run.rate).toBeGreaterThan(0.9 * BOUND)
    expect(run.p99).toBeLessThan(3_000)
    expect(run.signatures).toBeLessThan(1.05)
  })

  it('one pays nothing for all this', async () => {
    const [now, before] = [await measure({ writers: [1] }), await racing({ writers: [1] })]
    for (const what of ['rate', 'p50', 'p99', 'max', 'writeUnits', 'readUnits', 'signatures'] as const) {
      expect(now[what], what).toBe(before[what])
    }
    expect(now.units).toEqual({ 'commit W': 14 })
  })

  it('two take turns: as many as when they race, none is kept waiting, and nothing is signed in vain', async () => {
    // Whether two fall into step depends on the seed: their rate is the mean of three.
    const rates = { now: 0, before: 0 }
    for (const seed of [1, 2, 3]) {
      const [now, before] = [await measure({ writers: [2], seed }), await racing({ writers: [2], seed })]
      rates.now += now.rate / 3
      rates.before += before.rate / 3
      expect(now.p99).toBeLessThan(0.5 * before.p99)
      expect(now.writeUnits).toBeLessThan(before.writeUnits)
      expect(now.signatures).toBeLessThan(1.1)
    }
    expect(rates.now).toBeGreaterThan(0.85 * rates.before)
  })

  it.each([4, 8])('%s are better off than when they race', async (count) => {
    const [now, before] = [await measure({ writers: [count] }), await racing({ writers: [count] })]
    expect(now.rate).toBeGreaterThan(before.rate)
    expect(now.p99).toBeLessThan(0.5 * before.p99)
    expect(now.writeUnits).toBeLessThan(0.8 * before.writeUnits)
    expect(now.signatures).toBeLessThan(1.1)
  })

  it('a flood on one process leaves the latency of another alone', { timeout: 240_000 }, async () => {
    const alone = await measure({ writers: [1], think: 50 })
    const slowest: number[] = []
    for (const seed of [2, 1, 3].slice(0, runs(3, 1))) {
      const run = await measure({ writers: [200, 1], think: 50, seed })
      const beside = run.processes[1]
      // It has its instances to itself; only that they change costs it a read now and then.
      expect(beside?.p50).toBeLessThan(2.5 * alone.p50)
      expect(run.rate).toBeGreaterThan(0.8 * BOUND)
      slowest.push(beside?.p99 ?? Number.POSITIVE_INFINITY)
    }
    // One writer sends a hundred messages: its p99 is its slowest one, and one call in a hundred is slow. The median of three.
    expect(slowest.toSorted((a, b) => a - b)[slowest.length >> 1]).toBeLessThan(150)
  })
})

describe('writers on few instances of many requests each', () => {
  it('share an instance without any submission queue', async () => {
    const run = await measure({ writers: [32], concurrency: 64 })
    expect(run.rate).toBeGreaterThan(0.95 * BOUND)
    expect(run.p99).toBeLessThan(150)
    expect(run.writeUnits).toBeLessThan(13)
    expect(run.submissions).toBe(0)
  })

  it('of four instances: at the bound, cheaper than with one request each', async () => {
    const run = await measure({ writers: [200], concurrency: 64 })
    expect(run.rate).toBeGreaterThan(0.95 * BOUND)
    expect(run.p99).toBeLessThan(600)
    expect(run.writeUnits).toBeLessThan(17.5)
    expectCheap(run)
  })

  it('a flood on one process leaves another alone in the same instance', async () => {
    const run = await measure({ writers: [60, 1], concurrency: 64, instances: 1 })
    expect(run.processes[1]?.p50).toBeLessThan(25)
    expect(run.processes[1]?.p99).toBeLessThan(120)
    expect(run.rate).toBeGreaterThan(0.85 * BOUND)
  })
})

it('the same seed twice gives the same run', async () => {
  const options = { writers: [24], length: 2_000, warmUp: 1_000, seed: 5 }
  expect((await load(options)).trace).toBe((await load(options)).trace)
})
