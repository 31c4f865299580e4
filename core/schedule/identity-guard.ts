/** Lets nothing be scheduled into a log that is not this unit's own (see `core/ports/log-identity.ts`). */
import type { Signer } from '../ans104/signer.ts'
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogIdentity, LogIdentityStore } from '../ports/log-identity.ts'

/** How long an answer holds, ms: a table can be deleted and restored under its name while instances live. */
const HOLDS_MS = 60_000
/**
 * How long it holds while it cannot be asked anew, ms. What a table is, is told by another part of the store than the one that
 * keeps the log, and that part being away is no reason to stop scheduling.
 */
const HOLDS_UNASKED_MS = 900_000
/** How soon it is asked again then, ms. */
const ASK_AGAIN_MS = 10_000
/** Somebody is at work to complete a restored log; a log of another wallet stays that. */
const RESTORED_RETRY_S = 15

export class IdentityGuard {
  private readonly store: LogIdentityStore
  private readonly wallet: Pick<Signer, 'address' | 'owner'>
  private readonly clock: Clock
  /** When it was last found to be our own, and from when it is asked again. */
  private ownAt = Number.NEGATIVE_INFINITY
  private askAgainAt = Number.NEGATIVE_INFINITY
  private checking: Promise<void> | undefined
  private generationKnown: { generation: number; at: number } | undefined
  private readingGeneration: Promise<number | undefined> | undefined

  constructor(store: LogIdentityStore, wallet: Pick<Signer, 'address' | 'owner'>, clock: Clock) {
    this.store = store
    this.wallet = wallet
    this.clock = clock
  }

  /** Fails with `foreign-log` for another wallet's or a restored log, with `unavailable` when that cannot be told. */
  async check(): Promise<void> {
    if (this.clock.now() < this.askAgainAt) return
    try {
      await this.verify()
    } catch (error) {
      if (!hasCode(error, 'unavailable') || this.clock.now() - this.ownAt >= HOLDS_UNASKED_MS) throw error
      this.askAgainAt = this.clock.now() + ASK_AGAIN_MS
    }
  }

  /** The same, asked anew whatever is known. */
  async verify(): Promise<void> {
    this.checking ??= this.ask().finally(() => {
      this.checking = undefined
    })
    await this.checking
  }

  /**
   * The log's generation, ms (`core/ports/log-identity.ts`), a minute old at most while the store answers, else the last one
   * that was read. Undefined where none was read, or no log was begun. Never fails.
   */
  async generation(): Promise<number | undefined> {
    const known = this.generationKnown
    if (known && this.clock.now() - known.at < HOLDS_MS) return known.generation
    this.readingGeneration ??= this.readGeneration().finally(() => {
      this.readingGeneration = undefined
    })
    return this.readingGeneration
  }

  private async readGeneration(): Promise<number | undefined> {
    try {
      const at = this.clock.now()
      const recorded = await this.store.recorded()
      this.generationKnown = recorded && { generation: recorded.generation, at }
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
    }
    return this.generationKnown?.generation
  }

  private async ask(): Promise<void> {
    const [tables, recorded] = await Promise.all([this.store.actualTables(), this.store.recorded()])
    const { address, owner } = this.wallet
    const own = { wallet: address, owner, tables, generation: this.clock.now() }
    if (recorded) assertOwn(recorded, own)
    else if (!(await this.store.begin(own))) {
      const winner = await this.store.recorded()
      if (!winner) throw headsLost()
      assertOwn(winner, own)
    }
    this.ownAt = this.clock.now()
    this.askAgainAt = this.ownAt + HOLDS_MS
  }
}

const headsLost = () =>
  new SchedulerError(
    'foreign-log',
    'The tables hold a log that lost its heads; nothing is scheduled until it was completed',
    { retryAfter: RESTORED_RETRY_S },
  )

function assertOwn(recorded: LogIdentity, own: LogIdentity): void {
  if (recorded.wallet !== own.wallet) {
    throw new SchedulerError(
      'foreign-log',
      `This log belongs to the wallet ${recorded.wallet}; the unit runs with ${own.wallet} and schedules nothing in it`,
      { retryAfter: 300 },
    )
  }
  if (recorded.tables !== own.tables) {
    throw new SchedulerError(
      'foreign-log',
      'This log came back from a backup and may lack its last messages; nothing is scheduled until it was completed',
      { retryAfter: RESTORED_RETRY_S },
    )
  }
}
