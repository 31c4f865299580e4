/**
 * How many cases a test draws, and from which seed. Every test that draws cases asks here; no test has a switch of its own.
 *
 * - `npm test` draws the quick count from seed 1: the same cases each time.
 * - `npm run test:soak` draws the full count from a random seed, which the run prints; `SEED=n npm run test:soak` repeats it.
 * - `SEED=n npx vitest run FILE` draws one case, seed n, and nothing else.
 */
import { inject } from 'vitest'

/** How much of everything a run does. */
export interface Effort {
  full: boolean
  /** Of the first case, and of fast-check. */
  seed: number
  /** Whether only the case of that seed is wanted. */
  alone: boolean
}

declare module 'vitest' {
  interface ProvidedContext {
    effort: Effort
  }
}

/** @param seedText the variable `SEED`. Fails for anything but a whole number from 0 on. */
export function effortOf(full: boolean, seedText: string | undefined): Effort {
  const random = () => Math.floor(Math.random() * 2 ** 31)
  const seed = seedText ? Number(seedText) : full ? random() : 1
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`SEED: ${seedText} is no whole number from 0 on.`)
  return { full, seed, alone: Boolean(seedText) && !full }
}

/** Number of cases to draw, for fast-check's `numRuns` or a loop: `full` in the soak, `quick` otherwise. */
export const runs = (full: number, quick: number): number => {
  const effort = inject('effort')
  return effort.full ? full : effort.alone ? 1 : quick
}

/** Seeds of that many cases, one after the other, the first of them the seed of this run. */
export const seeds = (full: number, quick: number): number[] =>
  Array.from({ length: runs(full, quick) }, (_, i) => inject('effort').seed + i)
