/**
 * Puts entries and processes into the log: the one way in. Any number of sequencers, in any number of instances, may write
 * at once; the store's conditions decide, and this makes of every outcome a truthful answer.
 */
import { randomUUID } from 'node:crypto'
import { type Place, SchedulerError } from '../errors.ts'
import type { LogStore, Spawn } from '../ports/log-store.ts'
import { chainProcess } from './chain.ts'
import type { Entry } from './entry.ts'
import { Errands } from './errands.ts'
import { HeadMemory } from './head-memory.ts'
import { Lane, type LaneContext } from './lane.ts'
import type { Head, StoredItem } from './record.ts'
import { RoundTrip } from './round-trip.ts'
import { refusalOf } from './state.ts'

export interface SequencerOptions extends Omit<LaneContext, 'heads' | 'errands' | 'trouble' | 'asking' | 'looking'> {
  /** How many heads an instance remembers (PROCESS_CACHE_SIZE). */
  rememberedHeads: number
}

/** A process to be begun, made ready before the critical section. */
export interface NewProcess {
  id: string
  item: StoredItem
  /** Whether the process gets an assignment of its own (ENABLE_PROCESS_ASSIGNMENT). */
  assigned: boolean
  settlementDepth: number
  /** The network's height now. */
  blockHeight: number
}

export class Sequencer {
  private readonly context: LaneContext
  private readonly store: LogStore
  private readonly lanes = new Map<string, Lane>()

  constructor({ rememberedHeads, ...context }: SequencerOptions) {
    this.context = {
      ...context,
      heads: new HeadMemory(rememberedHeads, context.clock),
      errands: new Errands(),
      trouble: { until: 0 },
      asking: new RoundTrip(context.clock),
      looking: new RoundTrip(context.clock),
    }
    this.store = context.store
  }

  /**
   * The head as far as this instance knows it, read if it does not: for what may be asked of a slightly old one (that the
   * process is there, what its `Settlement-Depth` is). Undefined: no such process. Fails with `unavailable`.
   */
  async recall(process: string): Promise<Head | undefined> {
    const known = this.context.heads.recall(process)
    if (known) return known
    const head = await this.store.head(process)
    if (head) this.context.heads.read(head)
    return head
  }

  /**
   * Schedules an entry and gives its place. Fails with `already-scheduled` or `deep-hash-known` (with the place of what is
   * there), `not-found` (no such process), `frozen`, `incomplete`, or `unavailable`, saying whether it may be scheduled yet.
   * @param deadline ms since the epoch: when the caller must have its answer
   */
  schedule(entry: Entry, deadline: number): Promise<Place> {
    const { process } = entry
    let lane = this.lanes.get(process)
    if (!lane) {
      lane = new Lane(process, this.context, () => this.lanes.delete(process))
      this.lanes.set(process, lane)
    }
    return lane.add(entry, deadline)
  }

  /**
   * Resolves when this instance does nothing for others any more, or another caller waits for that already. A request waits
   * for it after its answer: an instance without a request is frozen.
   */
  idle(): Promise<void> {
    return this.context.errands.attend()
  }

  /**
   * Begins a process. One that is there already is left as it is, which is no error. Fails with `frozen` or `incomplete`
   * where that is what is there, and with `unavailable`.
   * @param deadline ms since the epoch: when the caller must have its answer
   */
  async spawn(process: NewProcess, deadline: number): Promise<void> {
    const { clock } = this.context
    const end = new AbortController()
    const late = clock.sleep(deadline - clock.now(), end.signal).then(() => {
      throw outOfTime()
    })
    try {
      await Promise.race([this.begin(process, end.signal), late])
    } finally {
      end.abort()
    }
  }

  private async begin(process: NewProcess, signal: AbortSignal): Promise<void> {
    const { clock, heads } = this.context
    let spawn = await this.prepare(process)
    for (let tries = 0; !signal.aborted; tries++) {
      const outcome = await this.store.spawn(spawn, signal)
      if (outcome.kind === 'committed') return heads.wrote(spawn.head)
      if (outcome.kind === 'exists') {
        const refusal = refusalOf(outcome.head ?? (await this.store.head(process.id)))
        if (refusal) throw refusal
        return
      }
      // After a lost answer the same token makes it happen once, and `exists` is as good as having done it.
      if (outcome.kind === 'busy') spawn = { ...spawn, token: randomUUID() }
      await clock.sleep(Math.min(200, 2 ** tries) * (0.5 + clock.random()), signal)
    }
  }

  private async prepare({ id, item, assigned, settlementDepth, blockHeight }: NewProcess): Promise<Spawn> {
    const now = this.context.clock.now()
    const bare: Head = {
      process: id,
      state: 'open',
      next: 0,
      timestamp: now,
      blockHeight,
      epoch: 0,
      firstNonce: assigned ? 0 : -1,
      settlementDepth,
    }
    const record = { process: id, kind: 'process', item, id, timestamp: now, timeKey: now, blockHeight } as const
    const token = randomUUID()
    if (!assigned) return { head: bare, record: { ...record, nonce: -1 }, token }
    const { assignment, hashChain, head } = await chainProcess(bare, { ...this.context, now, height: blockHeight })
    return {
      head,
      record: { ...record, nonce: 0, assignment: assignment.raw },
      hashChain,
      assignmentId: assignment.id,
      token,
    }
  }
}

const outOfTime = () =>
  new SchedulerError(
    'unavailable',
    'The log did not answer in time: the process may have been spawned; asking again is safe',
    { retryAfter: 1 },
  )
