/** Completes one process of a restored log, as far as it can be proved, and says what is missing. */
import { SchedulerError } from '../errors.ts'
import type { Head } from '../log/record.ts'
import { closedForGood, isClosedForGood, sameHead } from '../log/state.ts'
import { headAt } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'
import { endBefore, newHead, workedAt } from './ends.ts'
import { type Doubt, Fill, type Filled, range } from './fill.ts'
import { lowestMissing } from './lowest-missing.ts'
import { proveAssignment } from './proof.ts'
import { type Stop, signedAt } from './rebuild.ts'
import { endOf, isWhole, type Known, type Witness, witnesses } from './survey.ts'
import { passUploads } from './uploads.ts'

/**
 * `whole`: all that anybody knows of is in the log. `lacking`: something is lost that nobody has a signature of, or a message's body; an
 * operator may accept that. `broken`: something was signed that cannot be brought in, so nonces that are out there would be given
 * out again: it is never opened. `moving`: it was being brought here when the backup was made. `elsewhere`: another unit has it.
 * `trouble`: it could not be looked at.
 */
export type RestoredKind = 'whole' | 'lacking' | 'broken' | 'moving' | 'elsewhere' | 'trouble'

export interface ProcessReport {
  process: string
  kind: RestoredKind
  /** The nonce that the process goes on with. */
  next: number
  /** Records that were not there. */
  added: number
  /** Those of them of which only their item tells that they were posted, or that they were not. */
  presumed: number
  /** Something was written; or, where nothing is to be written, would have been. */
  changed: boolean
  /** It may not be scheduled in as it is, whatever becomes of the log. */
  closed: boolean
  /** Records of which it is not seen that they were uploaded. */
  uploadsLeft?: number
  missing?: {
    /** First nonce that is missing, and the last that is known of. */
    from: number
    to: number
    /** Goes on after the first nonce. */
    what: string
    knownBy: readonly Witness[]
  }
  doubts: readonly Doubt[]
  /** What an operator has accepted: nonces from this one on are given out again. */
  cut?: number
  /** A sentence about what else is the matter. */
  reason?: string
}

export interface ProcessOptions {
  write: boolean
  /** What is missing is accepted. */
  accept: boolean
}

/** Does not fail for what is wrong with this process alone. */
export async function restoreProcess(
  deps: RestoreDeps,
  process: string,
  known: Known,
  options: ProcessOptions,
): Promise<ProcessReport> {
  try {
    return await new ProcessRestore(deps, process, known, options).run()
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error
    return { ...bare(process, known.head?.next ?? 0), kind: 'trouble', reason: error.message }
  }
}

class ProcessRestore {
  private readonly deps: RestoreDeps
  private readonly process: string
  private readonly known: Known
  private readonly options: ProcessOptions

  constructor(deps: RestoreDeps, process: string, known: Known, options: ProcessOptions) {
    this.deps = deps
    this.process = process
    this.known = known
    this.options = options
  }

  async run(): Promise<ProcessReport> {
    const head = await this.deps.log.head(this.process)
    const elsewhere = await this.elsewhere(head)
    if (elsewhere) return elsewhere
    if (head?.state === 'incomplete' && !isClosedForGood(head)) return this.moving(head)
    if (head && isWhole(this.known)) return this.finish(head, head, { kind: 'whole' })

    const firstNonce = head?.firstNonce ?? (await this.firstNonce())
    const from = head ? await lowestMissing(this.deps, this.process, head, this.known) : firstNonce
    const { write, accept } = this.options
    const start = await endBefore(this.deps, this.process, from, firstNonce)
    const stretch = { process: this.process, start, end: endOf(this.known), head }
    const filled = await new Fill(this.deps, stretch, { write, withoutBodies: accept, firstNonce }).run()
    const { end, stop, added, presumed, doubts } = filled
    // Made again below the head, if only the rows by which it is found.
    const changed = added > 0 || (head !== undefined && from < Math.min(head.next, end.next))
    if (stop) return this.stopped(head, filled, stop, firstNonce, changed)
    const target = headAt(head ?? (await newHead(this.deps, end, firstNonce)), end)
    return this.finish(head, target, { kind: 'whole', added, presumed, doubts, changed })
  }

  private async stopped(
    head: Head | undefined,
    { end, added, presumed, doubts }: Filled,
    stop: Stop,
    firstNonce: 0 | -1,
    changed: boolean,
  ): Promise<ProcessReport> {
    const to = Math.max(endOf(this.known), stop.nonce + 1)
    const knownBy = witnesses.filter((witness) => this.known.ends[witness] > stop.nonce)
    const missing = { from: stop.nonce, to: to - 1, what: stop.what, knownBy }
    const kind = stop.kind !== 'bodiless' && (await this.signedFrom(stop, to)) ? 'broken' : 'lacking'
    const found = { kind, added, presumed, doubts, missing, changed } as const
    if (!this.options.accept) {
      // What is proved is kept; a head that covers more than that says what is missing.
      return this.finish(head, head && end.next > head.next ? headAt(head, end) : head, found)
    }
    if (kind === 'lacking') return { ...bare(this.process, end.next), ...found, changed: true, cut: stop.nonce }
    return this.finish(head, closedForGood(headAt(head ?? (await newHead(this.deps, end, firstNonce)), end)), found)
  }

  /** Writes what the head is to be, after the relay was told where to begin. */
  private async finish(
    head: Head | undefined,
    target: Head | undefined,
    found: Pick<ProcessReport, 'kind'> & Partial<ProcessReport>,
  ): Promise<ProcessReport> {
    const moved = target !== undefined && !(head && sameHead(head, target) && head.awaits === target.awaits)
    const report = { ...bare(this.process, target?.next ?? 0), ...found, changed: moved || (found.changed ?? false) }
    const closed = target !== undefined && isClosedForGood(target)
    if (!this.options.write) return { ...report, closed: closed && !moved }
    let uploadsLeft: number | undefined
    if (target && target.state !== 'incomplete' && (moved || this.known.uploadsLeft)) {
      uploadsLeft = await passUploads(this.deps, this.process, target.firstNonce, target.next)
    }
    if (moved && !(await this.deps.restore.replaceHead(head, target))) throw workedAt(this.process)
    return { ...report, closed, ...(uploadsLeft !== undefined && { uploadsLeft }) }
  }

  /** Another unit schedules it: here it must not be open. */
  private async elsewhere(head: Head | undefined): Promise<ProcessReport | undefined> {
    const { units, fence } = this.deps
    const placement = await units?.placements.read(this.process)
    if (!units || !placement || placement.unit === units.ownUrl) return undefined
    const open = head?.state === 'open'
    if (open && this.options.write && !(await fence.freeze(this.process, placement.version)))
      throw workedAt(this.process)
    const report = bare(this.process, head?.next ?? 0)
    return { ...report, kind: 'elsewhere', changed: open, closed: !open, reason: `${placement.unit} has it` }
  }

  /** How far it has come is known by whoever brings it. */
  private moving(head: Head): ProcessReport {
    const reason = 'it was being brought here when the backup was made, and stays closed: bring it again'
    return { ...bare(this.process, head.next), kind: 'moving', closed: true, reason }
  }

  /** Of a process that has no head: whether it has an assignment of its own. */
  private async firstNonce(): Promise<0 | -1> {
    const { restore, metadata } = this.deps
    const [first] = await restore.recordsAt(this.process, [-1, 0])
    if (first) return first.nonce < 0 || first.kind !== 'process' ? -1 : 0
    const [indexed] = (await metadata?.between(this.process, -1, 0)) ?? []
    if (indexed) return indexed.nonce < 0 || indexed.kind !== 'process' ? -1 : 0
    for (const { raw } of await signedAt(this.deps, this.process, [0])) {
      const proven = raw && (await proveAssignment(this.deps, raw, { process: this.process, nonce: 0 }))
      if (proven) return proven.fields.message === undefined ? 0 : -1
    }
    return 0
  }

  /** Whether anything that was signed is known of from here on: a nonce that is out there must not be given out again. */
  private async signedFrom({ nonce, kind }: Stop, to: number): Promise<boolean> {
    const { signed, records } = this.known.ends
    if (kind === 'unusable' || signed > nonce || records > nonce) return true
    for (let from = nonce; from < to; from += NONCES_AT_ONCE) {
      const nonces = range(from, Math.min(to, from + NONCES_AT_ONCE))
      if ((await signedAt(this.deps, this.process, nonces)).length > 0) return true
    }
    return false
  }
}

const NONCES_AT_ONCE = 50

const bare = (process: string, next: number): Omit<ProcessReport, 'kind'> => ({
  process,
  next,
  added: 0,
  presumed: 0,
  changed: false,
  closed: false,
  doubts: [],
})
