/** A log that came back from a backup: what it lacks, completing it, and taking it over (docs/restore.md). */
import type { RestoreDeps } from '../../core/restore/deps.ts'
import type { ProcessReport } from '../../core/restore/process.ts'
import { isReady, restoredLog, restoreLog, takeOver } from '../../core/restore/restore.ts'
import { witnessNames } from '../../core/restore/survey.ts'
import { type Command, type Exit, exits, parse, processesIn, UsageError, type Workplace } from '../command.ts'
import type { Progress } from '../progress.ts'

const options = {
  accept: { type: 'string' },
  'accept-all': { type: 'boolean' },
  'old-tables-stopped': { type: 'boolean' },
  unit: { type: 'string' },
  json: { type: 'boolean' },
} as const

const STOP_FIRST =
  'Nothing may run on the old tables any more: no unit that schedules in them, no relay that uploads from them. Else nonces are given out twice.'

const CACHES =
  'Now invalidate every cache in front of the log, or clients go on reading what was cut off (docs/restore.md, "Caches"):'

interface Plan {
  action: 'check' | 'complete' | 'take-over'
  accept: ReadonlySet<string> | 'all'
  json: boolean
}

export const restore: Command = {
  usage: [
    'restore check [--unit ENV] [--json]',
    'restore complete [--accept PROCESS[,PROCESS…] | --accept-all] [--unit ENV] [--json]',
    'restore take-over --old-tables-stopped [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const { values, positionals } = parse(args, options)
    const [action, ...more] = positionals
    const { accept, 'accept-all': all = false, 'old-tables-stopped': stopped = false, unit, json = false } = values
    if (action !== 'check' && action !== 'complete' && action !== 'take-over') {
      throw new UsageError('Say what to do with a restored log: check, complete or take-over.')
    }
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    if (action !== 'complete' && (all || accept !== undefined)) {
      throw new UsageError(`restore ${action} accepts nothing: that is for restore complete.`)
    }
    if (all && accept !== undefined) throw new UsageError('Say --accept-all, or which: --accept PROCESS[,PROCESS…].')
    if (stopped && action !== 'take-over') throw new UsageError(`restore ${action} takes no --old-tables-stopped.`)
    if (action === 'take-over' && !stopped)
      throw new UsageError(`${STOP_FIRST}\nIf that is so, say --old-tables-stopped.`)
    const accepted = accept === undefined ? new Set<string>() : new Set(processesIn(accept))
    const plan: Plan = { action, accept: all ? 'all' : accepted, json }
    return new Restoring(workplace, await workplace.restore(unit), plan).run()
  },
}

class Restoring {
  private readonly workplace: Workplace
  private readonly deps: RestoreDeps
  private readonly plan: Plan
  private readonly progress: Progress

  constructor(workplace: Workplace, deps: RestoreDeps, plan: Plan) {
    this.workplace = workplace
    this.deps = deps
    this.plan = plan
    this.progress = workplace.progress('processes looked at closer')
  }

  async run(): Promise<Exit> {
    if (!(await restoredLog(this.deps))) {
      const sentence = 'The log is in the tables that it belongs to: there is nothing to be restored.'
      this.print(this.plan.json ? JSON.stringify({ restored: false }) : sentence)
      return exits.well
    }
    if (!this.deps.metadata) this.complain('The metadata are not asked: there is no DATABASE_URL.')
    try {
      return await (this.plan.action === 'take-over' ? this.takeOver() : this.complete())
    } finally {
      this.progress.end()
    }
  }

  private async complete(): Promise<Exit> {
    const { action, accept } = this.plan
    const write = action === 'complete'
    const interruption = this.workplace.interruption()
    const counts = { processes: 0, added: 0, unready: 0 }
    const unused = new Set(accept === 'all' ? [] : accept)
    for await (const report of restoreLog(this.deps, { write, accept, onProgress: this.onProgress })) {
      const { process, added, cut } = report
      unused.delete(process)
      counts.processes++
      counts.added += added
      // What was accepted, or completed just now, is no longer in the way.
      const done = write && (cut !== undefined || isReady({ ...report, changed: false }))
      if (!done && !isReady(report)) counts.unready++
      this.tell(report, done)
      if (!interruption.aborted) continue
      this.complain('Interrupted: run it again, it goes on from there.')
      return exits.undone
    }
    for (const process of unused) this.complain(`${process}: nothing of it was missing.`)
    this.tellSums(counts)
    return counts.unready === 0 ? exits.well : exits.undone
  }

  private async takeOver(): Promise<Exit> {
    const { unready, closed, tables } = await takeOver(this.deps, { onProgress: this.onProgress })
    for (const report of [...unready, ...closed]) this.tell(report, false)
    if (unready.length > 0) {
      this.complain(
        `Not taken over: ${count(unready.length, 'process is', 'processes are')} not ready. Run restore complete.`,
      )
      return exits.undone
    }
    const invalidations = this.invalidations()
    if (this.plan.json) this.print(JSON.stringify({ takenOver: true, tables, closed: closed.length, invalidations }))
    else {
      this.print('The log is taken over: it is scheduled in from now on.')
      if (closed.length > 0) this.print(`${count(closed.length, 'process stays', 'processes stay')} closed.`)
      this.print(CACHES)
      for (const command of invalidations) this.print(`  ${command}`)
    }
    return exits.well
  }

  /**
   * Pages at the edge may show what was cut off, for a year. Which ones is not known any more: whatever there is, is asked for again.
   * One path for each distribution, and the first thousand a month are free.
   */
  private invalidations(): string[] {
    return this.workplace
      .distributions()
      .map((id) => `aws cloudfront create-invalidation --distribution-id ${id} --paths '/*'`)
  }

  private tell(report: ProcessReport, done: boolean): void {
    if (this.plan.json) {
      this.print(JSON.stringify(report))
      return
    }
    const { process, doubts, presumed } = report
    this.print(`${process}  ${sentence(report, done)}`)
    for (const { nonce, what } of doubts) this.print(`  nonce ${nonce} ${what}`)
    if (presumed > 0) this.print(`  of ${presumed} only the item tells whether they were posted or assigned`)
  }

  private tellSums({ processes, added, unready }: { processes: number; added: number; unready: number }): void {
    const { action, json } = this.plan
    const written = action === 'complete'
    if (json) {
      this.print(JSON.stringify({ processes, added, unready, metadata: this.deps.metadata !== undefined }))
      return
    }
    const records = count(added, 'record', 'records')
    this.print(
      processes === 0
        ? 'Every process is whole, as far as anybody knows.'
        : `${count(processes, 'process', 'processes')}: ${records} ${written ? 'brought back' : 'can be brought back'}, ${unready} not ready.`,
    )
    if (!written) this.print('Nothing was changed.')
    if (unready > 0) {
      if (!written) this.print('Then: restore complete')
      return
    }
    this.print(`What was given out in the last moment, and has reached nobody, is not known of. ${STOP_FIRST}`)
    this.print('Then: restore take-over --old-tables-stopped')
  }

  private readonly onProgress = (done: number, of: number): void => this.progress.show(done, of)

  private print(line: string): void {
    this.progress.clear()
    this.workplace.print(line)
  }

  private complain(line: string): void {
    this.progress.clear()
    this.workplace.complain(line)
  }
}

/** What becomes of a process, after its id. */
function sentence(report: ProcessReport, done: boolean): string {
  const { kind, added, next, cut, closed, reason } = report
  switch (kind) {
    case 'whole': {
      const records = added > 0 ? count(added, 'record', 'records') : 'rows by which its records are found'
      return `${done ? 'whole' : 'can be completed'}: ${records} ${done ? 'brought back' : 'lost'}; the next nonce is ${next}`
    }
    case 'lacking':
      if (cut !== undefined) return `accepted: nonces from ${cut} on are given out again`
      return `lacks ${missing(report)}`
    case 'broken':
      return `${closed ? 'stays closed' : 'cannot be opened'}: ${missing(report)}; something later was signed`
    case 'moving':
      return `stays closed: ${reason}`
    case 'elsewhere':
      return `${done ? 'was' : 'is to be'} frozen here: ${reason}`
    case 'trouble':
      return `could not be looked at: ${reason}`
  }
}

function missing({ missing: gap }: ProcessReport): string {
  if (!gap) return ''
  const { from, to, what, knownBy } = gap
  const nonces = from === to ? `nonce ${from}` : `nonces ${from} to ${to}`
  const known = knownBy.length > 0 ? `, known of by ${knownBy.map((witness) => witnessNames[witness]).join(', ')}` : ''
  return `${nonces}${known}: nonce ${from} ${what}`
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`
