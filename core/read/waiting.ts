/** Requests that wait for the next record of a process, so that a client can follow a schedule without polling it. */
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import { lastNonce } from './readable-head.ts'

/** Time between two reads of a head while requests wait for it, ms. */
const LOOK_MS = 1_000

interface Waiting {
  /** The newest nonce that the request knows already. */
  after: number
  /** ms since the epoch */
  until: number
  end(): void
}

/** One for each instance. All requests that wait for one process share its reads. */
export class NewRecords {
  private readonly log: Pick<LogStore, 'head'>
  private readonly clock: Clock
  private readonly max: number
  private readonly waiting = new Map<string, Set<Waiting>>()
  private count = 0

  /** @param max requests that may wait at once, in this instance */
  constructor({ log, clock, max }: { log: Pick<LogStore, 'head'>; clock: Clock; max: number }) {
    this.log = log
    this.clock = clock
    this.max = max
  }

  /**
   * Resolves when the process has a nonce greater than `after`, or at `until` (ms since the epoch). Reads the head once
   * a second. Fails with `too-many-waiting`. A log that does not answer is asked again.
   */
  wait(process: string, after: number, until: number): Promise<void> {
    if (this.count >= this.max) {
      throw new SchedulerError('too-many-waiting', 'Too many requests wait for new records. Ask again without wait.', {
        retryAfter: 1,
      })
    }
    return new Promise((resolve, reject) => {
      let others = this.waiting.get(process)
      const isFirst = others === undefined
      others ??= new Set()
      this.waiting.set(process, others)
      this.count++
      others.add({ after, until, end: resolve })
      // An error of the loop is a bug. It must end the request, not the instance.
      if (isFirst) this.look(process, others).catch(reject)
    })
  }

  private async look(process: string, waiting: Set<Waiting>): Promise<void> {
    const { clock, log } = this
    try {
      while (waiting.size > 0) {
        const soonest = Math.min(...Array.from(waiting, ({ until }) => until))
        await clock.sleep(Math.min(LOOK_MS, Math.max(0, soonest - clock.now())))
        const newest = await log.head(process).then(
          (head) => (head ? lastNonce(head) : -1),
          (error: unknown) => {
            if (!hasCode(error, 'unavailable')) throw error
            return -1
          },
        )
        for (const request of waiting) {
          if (newest > request.after || clock.now() >= request.until) this.release(waiting, request)
        }
      }
    } finally {
      for (const request of waiting) this.release(waiting, request)
      this.waiting.delete(process)
    }
  }

  private release(waiting: Set<Waiting>, request: Waiting): void {
    waiting.delete(request)
    this.count--
    request.end()
  }
}
