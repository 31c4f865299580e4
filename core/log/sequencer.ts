/**
 * Puts entries and processes into the log: the one way in. Any number of sequencers, in any number of instances, may write
 * at once; the store's conditions decide, and this makes of every outcome a truthful answer.
 */
import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type Place, SchedulerError } from '../errors.ts'
import type { Spawn } from '../ports/log-store.ts'
import { BackgroundTasks } from './background.ts'
import { chainProcess } from './chain.ts'
import type { LogContext } from './context.ts'
import type { Entry } from './entry.ts'
import { Outlook } from './outlook.ts'
import type { Head, StoredItem } from './record.ts'
import { refusalOf } from './state.ts'
import { type Tuning, tuning } from './tuning.ts'
import { Worker } from './worker.ts'

export interface SequencerOptions extends Omit<LogContext, 'background' | 'queueState' | 'tuning'> {
  /** Processes that an instance remembers (PROCESS_CACHE_SIZE). */
  rememberedHeads: number
  /** Constants that differ from `tuning.ts`. */
  tuning?: Partial<Tuning>
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
  private readonly context: LogContext
  private readonly workers = new Map<string, Worker>()
  private readonly outlooks: LRUCache<string, Outlook>

  constructor({ rememberedHeads, tuning: own, ...context }: SequencerOptions) {
    this.context = {
      ...context,
      tuning: { ...tuning, ...own },
      background: new BackgroundTasks(),
      queueState: { downUntil: 0 },
    }
    this.outlooks = new LRUCache({ max: rememberedHeads })
  }

  /**
   * The head as far as this instance knows it, read if it does not: for what may be asked of a slightly old one (that the
   * process is there, what its `Settlement-Depth` is). Undefined: no such process. Fails with `unavailable`.
   */
  async recall(process: string): Promise<Head | undefined> {
    const known = this.outlooks.get(process)?.head
    if (known) return known
    const { store, clock } = this.context
    const head = await store.head(process)
    if (head) {
      const outlook = this.outlook(process)
      outlook.read(head, clock.now())
      outlook.take()
    }
    return head
  }

  /**
   * Schedules an entry and gives its place. Fails with `already-scheduled` or `deep-hash-known` (with the place of what is
   * there), `not-found` (no such process), `frozen`, `incomplete`, or `unavailable`, saying whether it may be scheduled yet.
   * @param deadline ms since the epoch: when the caller must have its answer
   */
  schedule(entry: Entry, deadline: number): Promise<Place> {
    const { process } = entry
    let worker = this.workers.get(process)
    if (!worker) {
      worker = new Worker(process, this.context, this.outlook(process), () => this.workers.delete(process))
      this.workers.set(process, worker)
    }
    return worker.add(entry, deadline)
  }

  /**
   * Resolves when this instance has no background task any more, or another caller waits for that already. A request waits for it
   * after its answer: an instance without a request is frozen.
   */
  idle(): Promise<void> {
    return this.context.background.attend()
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
    const { clock, store } = this.context
    let spawn = await this.prepare(process)
    for (let tries = 0; !signal.aborted; tries++) {
      const outcome = await store.spawn(spawn, signal)
      if (outcome.kind === 'committed') return this.outlook(process.id).wrote(spawn.head)
      if (outcome.kind === 'exists') {
        const refusal = refusalOf(outcome.head ?? (await store.head(process.id)))
        if (refusal) throw refusal
        return
      }
      // After a lost answer the same token makes it happen once, and `exists` is as good as having done it.
      if (outcome.kind === 'busy') spawn = { ...spawn, token: randomUUID() }
      await clock.sleep(Math.min(200, 2 ** tries) * (0.5 + clock.random()), signal)
    }
  }

  private outlook(process: string): Outlook {
    const known = this.outlooks.get(process)
    if (known) return known
    const { tuning: own, queueState } = this.context
    const outlook = new Outlook(own, queueState)
    this.outlooks.set(process, outlook)
    return outlook
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
    'Log: no answer in time, so the process may have been spawned. Ask again, which is safe.',
    { retryAfter: 1 },
  )
