/** Metadata in Postgres: written again from the log, or counted against it. */
import { hasCode, SchedulerError } from '../../core/errors.ts'
import type { Progress } from '../../core/ports/relay-store.ts'
import { type Counted, rebuildIndex, verifyIndex } from '../../core/relay/reindex.ts'
import {
  type Command,
  type Exit,
  exits,
  type MetadataParts,
  parse,
  processesIn,
  processIn,
  UsageError,
  type Workplace,
} from '../command.ts'

interface Plan {
  action: 'rebuild' | 'verify'
  /** None: all that the unit has. */
  processes: string[] | undefined
  /** Of one process: the nonce to begin with. */
  from: number | undefined
  /** Of all: begins after this one. */
  after: string | undefined
  unit: string | undefined
  json: boolean
}

export const metadata: Command = {
  usage: [
    'metadata rebuild PROCESS[,PROCESS…] [--from NONCE] [--unit ENV] [--json]',
    'metadata rebuild --all [--after PROCESS] [--unit ENV] [--json]',
    'metadata verify PROCESS[,PROCESS…] [--unit ENV] [--json]',
    'metadata verify --all [--after PROCESS] [--unit ENV] [--json]',
  ],
  run(args, workplace) {
    const plan = planOf(args)
    const parts = workplace.metadata(plan.unit)
    return plan.action === 'rebuild' ? rebuild(workplace, parts, plan) : count(workplace, parts, plan)
  },
}

function planOf(args: readonly string[]): Plan {
  const { values, positionals } = parse(args, {
    all: { type: 'boolean' },
    from: { type: 'string' },
    after: { type: 'string' },
    unit: { type: 'string' },
    json: { type: 'boolean' },
  })
  const { all = false, from, after, unit, json = false } = values
  const [action, list, ...more] = positionals
  if (action !== 'rebuild' && action !== 'verify') throw new UsageError('Missing subcommand: rebuild or verify.')
  if (more.length > 0) throw new UsageError(`Unexpected argument: ${more.join(' ')}.`)
  if (all === (list !== undefined)) throw new UsageError('Missing selection: name processes, or --all.')
  const processes = all ? undefined : processesIn(list)
  if (from !== undefined && (action === 'verify' || processes?.length !== 1 || !/^-?\d{1,15}$/.test(from))) {
    throw new UsageError('--from is a nonce, for the rebuild of one process.')
  }
  if (after !== undefined && !all) throw new UsageError('--after is for --all.')
  return {
    action,
    processes,
    from: from === undefined ? undefined : Number(from),
    after: after === undefined ? undefined : processIn(after),
    unit,
    json,
  }
}

/** The processes of a plan, in the same order each time. Complains about those that are not known. */
async function* targets(
  { store }: Pick<MetadataParts, 'store'>,
  { processes, after }: Plan,
  complain: (line: string) => void,
): AsyncGenerator<Progress> {
  for (const process of processes ?? []) {
    const progress = await store.progress(process)
    if (progress) yield progress
    else complain(`Process ${process} is not known here.`)
  }
  if (processes) return
  let begun = after === undefined
  for await (const progress of store.scan()) {
    if (begun) yield progress
    begun ||= progress.process === after
  }
  if (!begun) throw new SchedulerError('not-found', `Process ${after} is not known here: nothing comes after it.`)
}

async function rebuild(workplace: Workplace, parts: MetadataParts, plan: Plan): Promise<Exit> {
  const interruption = workplace.interruption()
  const progress = workplace.progress('records')
  const say = reporter(workplace, progress, plan)
  const rangeOf = ({ process, firstNonce, next }: Progress) => {
    return { process, from: Math.min(next, Math.max(firstNonce, plan.from ?? firstNonce)), next }
  }
  let all = 0
  for await (const target of targets(parts, plan, say.fault)) all += target.next - rangeOf(target).from
  /** Where each process under way ends. */
  const ends = new Map<string, number>()
  async function* ranges() {
    for await (const target of targets(parts, plan, () => {})) {
      ends.set(target.process, target.next)
      yield rangeOf(target)
    }
  }
  const sums = { indexed: 0, lost: 0 }
  let done = 0
  try {
    for await (const { process, from, next, indexed, lost, trouble } of rebuildIndex(parts, ranges())) {
      sums.indexed += indexed
      sums.lost += lost.length
      for (const { nonce, reason } of lost) {
        if (plan.json) say.print(JSON.stringify({ process, nonce, reason }))
        else say.print(`${process}  nonce ${nonce} has no row: ${reason}`)
      }
      done += (trouble?.nonce ?? next) - from
      progress.show(done, Math.max(all, done))
      const isLast = next === ends.get(process)
      const stopped = trouble ?? (interruption.aborted ? { nonce: next, reason: 'interrupted.' } : undefined)
      if (isLast || stopped) {
        say.print(
          plan.json
            ? JSON.stringify({ process, ...sums })
            : `${process}: ${sums.indexed} rows written${sums.lost === 0 ? '' : `, ${sums.lost} records lost`}.`,
        )
        Object.assign(sums, { indexed: 0, lost: 0 })
        ends.delete(process)
      }
      if (lost.length > 0) say.undone()
      if (!stopped) continue
      say.fault(`${process}: stopped at nonce ${stopped.nonce}: ${stopped.reason}`)
      if (trouble || !isLast)
        say.complain(`Continue with: metadata rebuild ${process} --from ${stopped.nonce}${say.unit}`)
      say.rest(process)
      break
    }
  } finally {
    progress.end()
  }
  return say.exit()
}

async function count(workplace: Workplace, parts: MetadataParts, plan: Plan): Promise<Exit> {
  const interruption = workplace.interruption()
  const progress = workplace.progress('processes')
  const say = reporter(workplace, progress, plan)
  const sums = { complete: 0, incomplete: 0 }
  let all = plan.processes?.length ?? 0
  if (!plan.processes) for await (const _ of targets(parts, plan, () => {})) all++
  let last = plan.after
  try {
    for await (const found of verifyIndex(parts, targets(parts, plan, say.fault))) {
      const faults = faultsOf(found)
      if (faults.length > 0) say.undone()
      sums[faults.length === 0 ? 'complete' : 'incomplete']++
      if (plan.json) say.print(JSON.stringify(found))
      else for (const fault of faults) say.print(`${found.process}: ${fault}`)
      progress.show(sums.complete + sums.incomplete, all)
      last = found.process
      if (!interruption.aborted) continue
      say.fault('Interrupted.')
      say.rest(last)
      break
    }
  } catch (error) {
    if (!hasCode(error, 'unavailable')) throw error
    say.fault(error.message)
    say.rest(last)
  } finally {
    progress.end()
  }
  if (!plan.json) say.print(`${sums.complete} processes complete, ${sums.incomplete} incomplete.`)
  return say.exit()
}

function faultsOf({ gaps, beyond, listed }: Counted): string[] {
  return [
    ...gaps.map(
      ({ from, to, missing }) => `${missing} ${missing === 1 ? 'row' : 'rows'} missing, nonces ${from} to ${to}.`,
    ),
    ...(beyond === undefined ? [] : [`a row at nonce ${beyond} is beyond the end of the log.`]),
    ...(listed ? [] : ['it has no row in processes.']),
  ]
}

/** Prints beside the line of progress, and keeps the exit status. */
function reporter(workplace: Workplace, progress: { clear(): void }, { action, processes, unit }: Plan) {
  let exit: Exit = exits.well
  const flag = unit === undefined ? '' : ` --unit ${unit}`
  const complain = (line: string) => {
    progress.clear()
    workplace.complain(line)
  }
  const undone = () => {
    exit = exits.undone
  }
  return {
    unit: flag,
    complain,
    undone,
    print(line: string) {
      progress.clear()
      workplace.print(line)
    },
    fault(line: string) {
      undone()
      complain(line)
    },
    /** @param last the last process that was begun */
    rest(last: string | undefined) {
      const left = processes ? processes.slice(last === undefined ? 0 : processes.indexOf(last) + 1).join() : undefined
      if (left === '') return
      complain(`Not begun: metadata ${action} ${left ?? `--all${last === undefined ? '' : ` --after ${last}`}`}${flag}`)
    },
    exit: () => exit,
  }
}
