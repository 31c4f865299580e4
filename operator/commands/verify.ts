/** Verifies whole schedules: everything that can be told to be wrong of them, a line each. */
import type { Fault } from '../../core/audit/fault.ts'
import { verify } from '../../core/audit/verify.ts'
import { SchedulerError } from '../../core/errors.ts'
import {
  type AuditParts,
  type Command,
  type Exit,
  exits,
  parse,
  processesIn,
  processIn,
  UsageError,
  type Workplace,
} from '../command.ts'
import type { Progress } from '../progress.ts'

const options = {
  all: { type: 'boolean' },
  from: { type: 'string' },
  after: { type: 'string' },
  uploads: { type: 'boolean' },
  migrated: { type: 'boolean' },
  unit: { type: 'string' },
  json: { type: 'boolean' },
} as const

interface Plan {
  /** None: all that the unit has. */
  processes: string[] | undefined
  /** Of one process: the nonce to begin with. */
  from: number | undefined
  /** Of all: begins after this one. */
  after: string | undefined
  uploads: boolean
  migrated: boolean
  unit: string | undefined
  json: boolean
}

export const verifyCommand: Command = {
  usage: [
    'verify PROCESS[,PROCESS…] [--from NONCE] [--uploads] [--migrated] [--unit ENV] [--json]',
    'verify --all [--after PROCESS] [--uploads] [--migrated] [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const plan = planOf(args)
    const parts = await workplace.audit({ where: plan.unit, uploads: plan.uploads })
    return new Verification(workplace, parts, plan).run()
  },
}

function planOf(args: readonly string[]): Plan {
  const { values, positionals } = parse(args, options)
  const { all = false, from, after, uploads = false, migrated = false, unit, json = false } = values
  const [list, ...more] = positionals
  if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
  if (all === (list !== undefined)) throw new UsageError('Name the processes to be verified, or say --all.')
  const processes = all ? undefined : processesIn(list)
  if (from !== undefined && !/^-?\d{1,15}$/.test(from)) throw new UsageError('--from is a nonce.')
  if (from !== undefined && processes?.length !== 1) throw new UsageError('--from is for one process.')
  if (after !== undefined && !all) throw new UsageError('--after is for --all.')
  return {
    processes,
    from: from === undefined ? undefined : Number(from),
    after: after === undefined ? undefined : processIn(after),
    uploads,
    migrated,
    unit,
    json,
  }
}

type Outcome = 'sound' | 'at fault' | 'stopped'

class Verification {
  private readonly workplace: Workplace
  private readonly parts: AuditParts
  private readonly plan: Plan
  private readonly interruption: AbortSignal
  private readonly progress: Progress
  /** Records, of all processes together. */
  private done = 0
  private total = 0

  constructor(workplace: Workplace, parts: AuditParts, plan: Plan) {
    this.workplace = workplace
    this.parts = parts
    this.plan = plan
    this.interruption = workplace.interruption()
    this.progress = workplace.progress('records')
  }

  async run(): Promise<Exit> {
    let exit: Exit = exits.well
    let last = this.plan.after
    try {
      for await (const { records } of this.targets()) this.total += records
      for await (const { process } of this.targets()) {
        if (this.interruption.aborted) {
          this.sayWhatIsLeft(last)
          return exits.undone
        }
        const outcome = await this.verify(process)
        if (outcome !== 'sound') exit = exits.undone
        last = process
        if (outcome !== 'stopped') continue
        this.sayWhatIsLeft(last)
        break
      }
    } finally {
      this.progress.end()
    }
    return exit
  }

  /** The processes with their numbers of records, in the same order each time. */
  private async *targets(): AsyncGenerator<{ process: string; records: number }> {
    const { processes, after, from } = this.plan
    const { relay } = this.parts
    for (const process of processes ?? []) {
      const { next = 0, firstNonce = 0 } = (await relay.progress(process)) ?? {}
      yield { process, records: Math.max(0, next - Math.max(firstNonce, from ?? firstNonce)) }
    }
    if (processes) return
    let begun = after === undefined
    for await (const { process, next, firstNonce } of relay.scan()) {
      if (begun) yield { process, records: next - firstNonce }
      begun ||= process === after
    }
    if (!begun) throw new SchedulerError('not-found', `Process ${after} is not known here: nothing comes after it.`)
  }

  private async verify(process: string): Promise<Outcome> {
    const { from, migrated } = this.plan
    const sums = { records: 0, faults: 0, pending: 0 }
    let next = from
    try {
      for await (const verified of verify(this.parts, process, { history: migrated ? 'any' : 'own', from })) {
        next = verified.next
        for (const fault of verified.faults) this.tell(process, fault)
        sums.records += verified.records
        sums.pending += verified.pending
        sums.faults += verified.faults.length
        this.done += verified.records
        this.progress.show(this.done, Math.max(this.total, this.done))
        if (this.interruption.aborted && next < verified.end) return this.stopped(process, next, 'interrupted.')
      }
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      if (error.code === 'unavailable') return this.stopped(process, next, error.message)
      this.complain(error.code === 'not-found' ? error.message : `${process}: ${error.message}`)
      return 'at fault'
    }
    this.tellSums(process, sums)
    return sums.faults === 0 ? 'sound' : 'at fault'
  }

  private tell(process: string, { nonce, kind, what }: Fault): void {
    const { json } = this.plan
    this.print(json ? JSON.stringify({ process, nonce, kind, what }) : `${process}  nonce ${nonce}  ${kind}: ${what}`)
  }

  private tellSums(process: string, sums: { records: number; faults: number; pending: number }): void {
    const { records, faults, pending } = sums
    if (this.plan.json) {
      this.print(JSON.stringify({ process, ...sums }))
      return
    }
    const found = faults === 0 ? 'sound' : `${faults} ${faults === 1 ? 'fault' : 'faults'}`
    const left = pending === 0 ? '' : `; ${pending} not uploaded yet`
    this.print(`${process}: ${records} ${records === 1 ? 'record' : 'records'}, ${found}${left}.`)
  }

  private stopped(process: string, next: number | undefined, why: string): 'stopped' {
    this.complain(`${process}: stopped${next === undefined ? '' : ` at nonce ${next}`}: ${why}`)
    this.complain(`Go on with: verify ${process}${next === undefined ? '' : ` --from ${next}`}${this.flags()}`)
    return 'stopped'
  }

  /** @param last the last one that was begun */
  private sayWhatIsLeft(last: string | undefined): void {
    const { processes } = this.plan
    const rest = last === undefined ? processes : processes?.slice(processes.indexOf(last) + 1)
    const left = rest ? rest.join() : `--all${last === undefined ? '' : ` --after ${last}`}`
    if (left !== '') this.complain(`Not begun: verify ${left}${this.flags()}`)
  }

  private flags(): string {
    const { uploads, migrated, unit } = this.plan
    return `${uploads ? ' --uploads' : ''}${migrated ? ' --migrated' : ''}${unit === undefined ? '' : ` --unit ${unit}`}`
  }

  private print(line: string): void {
    this.progress.clear()
    this.workplace.print(line)
  }

  private complain(line: string): void {
    this.progress.clear()
    this.workplace.complain(line)
  }
}
