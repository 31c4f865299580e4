/** What all steps of bringing a process in share: what it is done with, and when it has to stop. */
import type { Fault } from '../audit/fault.ts'
import type { DeepHashes } from './deep-hashes.ts'
import type { MigrationDeps } from './deps.ts'
import type { Cursor, MigrationOrder, Notice, Step } from './order.ts'
import type { OpenedProcess } from './walk.ts'

/** Faults that are kept of a process, and notices; of more it is said how many there are. */
const KEPT = 10_000

export interface RunContext {
  deps: MigrationDeps
  order: Omit<MigrationOrder, 'after'>
  deepHashes: DeepHashes
  /** When it is to have stopped, ms since the epoch. */
  readonly deadline: number
  /** So many message rows were gone through. */
  onRows(count: number): void
}

/** It had to stop in the middle of a process: not an error, and no process's fault. */
export class Stopped extends Error {
  readonly at: NonNullable<Cursor['at']>

  constructor(at: NonNullable<Cursor['at']>) {
    super('The time of this call is over.')
    this.name = 'Stopped'
    this.at = at
  }
}

/** One process on its way in. */
export class ProcessRun {
  readonly context: RunContext
  readonly opened: OpenedProcess
  readonly faults: Fault[] = []
  readonly notices: Notice[] = []
  copied = 0
  there = 0
  private unnamed = 0

  constructor(context: RunContext, opened: OpenedProcess) {
    this.context = context
    this.opened = opened
  }

  get process(): string {
    return this.opened.process
  }

  blame(faults: readonly Fault[]): void {
    const room = KEPT - this.faults.length
    this.faults.push(...faults.slice(0, room))
    this.unnamed += Math.max(0, faults.length - room)
  }

  notice(notice: Notice): void {
    if (this.notices.length < KEPT) this.notices.push(notice)
  }

  /** The process's own row is none of the messages. */
  wentThrough(batch: readonly { nonce: number }[]): void {
    this.context.onRows(batch.filter(({ nonce }) => nonce > this.opened.firstNonce).length)
  }

  /** All faults; a last one where there were more than are kept. */
  get found(): Fault[] {
    const last = this.faults.at(-1)
    if (this.unnamed === 0 || last === undefined) return this.faults
    return [...this.faults, { ...last, what: `is the last one that is named: there are ${this.unnamed} more faults` }]
  }

  /** Asked before more is begun. Throws Stopped. */
  stopIfLate(step: Step, nonce: number): void {
    const { deps, deadline } = this.context
    if (deps.clock.now() >= deadline) throw new Stopped({ process: this.process, step, nonce })
  }
}
