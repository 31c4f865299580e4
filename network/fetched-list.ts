/** A list that an operator keeps at some address: fetched when it is too old to judge by, kept when it cannot be. */
import type * as v from 'valibot'
import { hasCode, SchedulerError } from '../core/errors.ts'
import type { Clock } from '../core/ports/clock.ts'
import { ask, json, request, type Service, trouble } from './service.ts'

export interface FetchedListOptions<T> {
  /** Begins the sentence that says what is wrong with it: "The IP list". */
  name: string
  url: string
  /** How old it may be when it judges, ms. */
  maxAgeMs: number
  schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>
  clock: Clock
  /** How long a read may take, ms. */
  deadlineMs?: number
  /** Hears of each list that was read. */
  onRead?(list: T): void
}

/** After a failed read nobody waits for another one for so long, ms. With no list at all every request is refused. */
const PAUSE_MS = 5000
const PAUSE_WITHOUT_LIST_MS = 1000

export class FetchedList<T> {
  private readonly options: FetchedListOptions<T>
  private readonly service: Service
  private last: { list: T; readAt: number } | undefined
  private failure: { error: SchedulerError; at: number } | undefined
  private reading: Promise<void> | undefined

  constructor(options: FetchedListOptions<T>) {
    this.options = options
    const { name, deadlineMs = 3000 } = options
    this.service = { name, deadlineMs, attemptMs: deadlineMs / 2 }
  }

  /**
   * The list, not older than it may be while it can be read, else the last one.
   * Fails with `unavailable` when it was never read.
   */
  async current(): Promise<T> {
    if (this.isDue()) {
      this.reading ??= this.read().finally(() => {
        this.reading = undefined
      })
      await this.reading
    }
    if (this.last) return this.last.list
    throw new SchedulerError('unavailable', `${this.options.name} could not be read yet`, {
      retryAfter: 2,
      cause: this.failure?.error,
    })
  }

  private isDue(): boolean {
    const now = this.options.clock.now()
    if (this.last && now - this.last.readAt < this.options.maxAgeMs) return false
    if (!this.failure) return true
    return now - this.failure.at >= (this.last ? PAUSE_MS : PAUSE_WITHOUT_LIST_MS)
  }

  private async read(): Promise<void> {
    const { url, schema, clock } = this.options
    // The answer is as old as the question: the list may change while it travels.
    const readAt = clock.now()
    try {
      const list = await ask(this.service, async (signal) => {
        const response = await request(this.service, new URL(url), { signal })
        if (response.status !== 200) throw await trouble(this.service, response)
        return await json(this.service, response, schema)
      })
      this.last = { list, readAt }
      this.failure = undefined
      this.options.onRead?.(list)
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
      this.failure = { error, at: clock.now() }
    }
  }
}
