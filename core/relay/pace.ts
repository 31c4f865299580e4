/**
 * What keeps the relay polite to a service, and its invocations short: how much of the bundler an instance uses at once, and how
 * long an invocation may sleep.
 */
import type { Bundler, UploadOutcome } from '../ports/bundler.ts'
import type { Clock } from '../ports/clock.ts'

export type PacedOutcome =
  | UploadOutcome
  /** Nothing was sent: the bundler is left alone until then, ms. */
  | { kind: 'paused'; reason: string; until: number }
  /** Nothing was sent: its turn would have come after the deadline. */
  | { kind: 'late' }

/** The bundler, as all processes of an instance share it: its limits are those of an account, not of a process. */
export interface Pace {
  /** Waits for its turn, then makes one attempt, unless the deadline (ms) came first. Does not throw. */
  upload(id: string, raw: Buffer, deadline?: number): Promise<PacedOutcome>
  /** When the bundler last took something, ms. */
  lastTaken(): number
  /** Until when it is left alone, ms. */
  pausedUntil(): number
}

/** 200 records a second of two parts each are 120 requests under way at 300 ms. */
const MAX_REQUESTS = 192
const MAX_BYTES = 16_000_000
/** A new instance begins with so many, and one more for each answer: an outage is found out with few requests. */
const FIRST_REQUESTS = 4
/** After so many failures in a row the bundler is left alone: for a second, then twice as long each time. */
const FAILURES = 3
const FIRST_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 30_000

export function createPace(bundler: Bundler, clock: Pick<Clock, 'now'>): Pace {
  const waiting: { bytes: number; go: () => void }[] = []
  let limit = FIRST_REQUESTS
  let requests = 0
  let bytesUnderWay = 0
  let failures = 0
  let lastTaken = Number.NEGATIVE_INFINITY
  let pause = { begun: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY, reason: '' }

  const isPaused = () => clock.now() < pause.until
  const fits = (bytes: number) => requests < limit && (requests === 0 || bytesUnderWay + bytes <= MAX_BYTES)
  function release(): void {
    for (let next = waiting[0]; next && (isPaused() || fits(next.bytes)); next = waiting[0]) {
      waiting.shift()
      next.go()
      // Its own request is counted when it goes on, after this: one at a time.
      if (!isPaused()) break
    }
  }

  function judge(outcome: UploadOutcome, begun: number): void {
    if (outcome.kind === 'taken') lastTaken = clock.now()
    if (outcome.kind !== 'trouble' || !outcome.away) {
      failures = 0
      limit = Math.min(MAX_REQUESTS, limit + 1)
      return
    }
    limit = Math.max(1, Math.floor(limit / 2))
    const now = clock.now()
    const { reason, retryAfterMs } = outcome
    if (retryAfterMs !== undefined) {
      pause = { begun: now, until: Math.max(pause.until, now + retryAfterMs), reason }
    } else if (begun >= pause.begun && ++failures >= FAILURES) {
      // Those sent before a pause began tell nothing new.
      const ms = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - FAILURES))
      pause = { begun: now, until: Math.max(pause.until, now + ms), reason }
    }
  }

  return {
    async upload(id, raw, deadline = Number.POSITIVE_INFINITY) {
      const bytes = raw.length
      if (!isPaused() && (waiting.length > 0 || !fits(bytes))) {
        await new Promise<void>((go) => waiting.push({ bytes, go }))
      }
      if (isPaused()) {
        release()
        return { kind: 'paused', reason: pause.reason, until: pause.until }
      }
      if (clock.now() >= deadline) {
        release()
        return { kind: 'late' }
      }
      requests++
      bytesUnderWay += bytes
      release()
      try {
        const begun = clock.now()
        const outcome = await bundler.upload(id, raw)
        judge(outcome, begun)
        return outcome
      } finally {
        requests--
        bytesUnderWay -= bytes
        release()
      }
    },
    lastTaken: () => lastTaken,
    pausedUntil: () => pause.until,
  }
}

/** Sleeps that together take no longer than a budget; those at the same time count once. */
export interface Naps {
  /** False, without sleeping, where the budget does not do. */
  nap(ms: number): Promise<boolean>
}

/** Nothing is waited for longer than this by an invocation, ms: everything behind it would wait too. */
export const MAX_SLEEP_MS = 2_000

export function createNaps(clock: Clock, budgetMs = MAX_SLEEP_MS): Naps {
  let left = budgetMs
  let asleepUntil = Number.NEGATIVE_INFINITY
  return {
    async nap(ms) {
      const now = clock.now()
      const more = Math.max(0, now + ms - Math.max(now, asleepUntil))
      if (more > left) return false
      left -= more
      asleepUntil = Math.max(asleepUntil, now + ms)
      await clock.sleep(ms)
      return true
    },
  }
}

const FIRST_NAP_MS = 300

/** Before attempt number `attempt` + 1 of something: 0.3 s, then 0.9 s, with jitter. */
export const napBefore = (naps: Naps, clock: Clock, attempt: number): Promise<boolean> =>
  naps.nap(FIRST_NAP_MS * 3 ** (attempt - 1) * (0.5 + clock.random() / 2))
