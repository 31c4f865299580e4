/** One process on its unit: how far it is, what is behind, where it is placed; freezing and opening it. */
import { SchedulerError } from '../../core/errors.ts'
import type { Head } from '../../core/log/record.ts'
import { freezeProcess, type Held, openProcess } from '../../core/placement/freeze.ts'
import type { Placement } from '../../core/ports/placement-store.ts'
import { type Owed, type Progress, type Sink, sinks } from '../../core/ports/relay-store.ts'
import { reachOf } from '../../core/relay/sink.ts'
import {
  type Command,
  type Exit,
  exits,
  parse,
  processesIn,
  processIn,
  UsageError,
  type Workplace,
} from '../command.ts'
import { describeOwed } from './uploads.ts'

export const processCommand: Command = {
  usage: [
    'process show PROCESS [--unit ENV] [--json]',
    'process freeze PROCESS[,PROCESS…] [--unit ENV] [--json]',
    'process open PROCESS[,PROCESS…] [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const { values, positionals } = parse(args, { unit: { type: 'string' }, json: { type: 'boolean' } })
    const [action, list, ...more] = positionals
    const { unit, json = false } = values
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    switch (action) {
      case 'show':
        return show(workplace, processIn(list), unit, json)
      case 'freeze':
        return freeze(workplace, processesIn(list), unit, json)
      case 'open':
        return open(workplace, processesIn(list), unit, json)
      default:
        throw new UsageError('Missing subcommand: show, freeze or open.')
    }
  },
}

/** What is known of a process that a unit has. */
interface Known {
  head: Head
  progress: Progress | undefined
  /** Dead letters too. */
  owed: Owed[]
  placement: Placement | undefined
  /** Whether there is a table that would know of a placement. */
  placed: boolean
}

async function show(workplace: Workplace, process: string, where: string | undefined, json: boolean): Promise<Exit> {
  const { print, complain } = workplace
  const { url, log, relay } = await workplace.unit(where)
  const placements = workplace.placementsOf(where)
  const [head, progress, placement] = await Promise.all([
    log.head(process),
    relay.progress(process),
    placements?.read(process),
  ])
  if (!head) {
    const elsewhere = placement && placement.unit !== url ? `: it is placed on ${placement.unit}` : ''
    complain(`${url} has no process ${process}${elsewhere}.`)
    return exits.undone
  }
  const owed: Owed[] = []
  for await (const part of relay.owed(process)) owed.push(part)
  const known = { head, progress, owed, placement, placed: placements !== undefined }
  if (json) print(JSON.stringify(shownAsJson(url, known)))
  else for (const line of shownAsText(url, known)) print(line)
  return exits.well
}

/** How many records a sink has not done that it could do now. */
function behind(sink: Sink, head: Head, done: number | undefined): number {
  const { from, next } = reachOf(sink, head, done)
  return Math.max(0, next - from)
}

function shownAsJson(unit: string, { head, progress, owed, placement, placed }: Known) {
  const { hashChain, lastAssignment, ...rest } = head
  return {
    ...rest,
    unit,
    hashChain: hashChain?.toString('base64url'),
    lastAssignment: lastAssignment?.toString('base64url'),
    sinks: Object.fromEntries(
      sinks.map((sink) => {
        const done = progress?.done[sink]
        return [sink, { next: done, behind: behind(sink, head, done), trouble: progress?.trouble[sink] }]
      }),
    ),
    ...(placed && { placement: placement ?? null }),
    owed,
  }
}

const names = { metadata: 'metadata', upload: 'uploads', segments: 'segments' } as const

function* shownAsText(unit: string, { head, progress, owed, placement, placed }: Known): Generator<string> {
  const { process, state, next, timestamp, blockHeight, hashChain, lastAssignment, awaits } = head
  const base64url = (bytes: Buffer | undefined) => bytes?.toString('base64url') ?? 'none yet'
  yield `${process}  ${state} on ${unit}; the next nonce is ${next}`
  yield `  last assignment  ${base64url(lastAssignment)}, ${new Date(timestamp).toISOString()}, height ${blockHeight}`
  yield `  hash chain       ${base64url(hashChain)}`
  for (const sink of sinks) {
    const left = behind(sink, head, progress?.done[sink])
    const { nonce, reason, since } = progress?.trouble[sink] ?? {}
    const trouble =
      left === 0 || since === undefined
        ? ''
        : `; nonce ${nonce} in trouble since ${new Date(since).toISOString()}: ${reason}`
    const state = left === 0 ? 'all done' : `${left} ${left === 1 ? 'record' : 'records'} behind${trouble}`
    yield `  ${names[sink].padEnd(15)}  ${state}`
  }
  if (placed) {
    const { unit: on, state: how, at, version } = placement ?? {}
    const since = at === undefined ? '' : ` since ${new Date(at).toISOString()}`
    yield `  placement        ${on === undefined ? 'on no unit' : `${how} on ${on}${since}, version ${version}`}`
  }
  if (awaits !== undefined) {
    yield `  ${state === 'frozen' ? 'frozen until' : 'opened for'}     version ${awaits} of its placement`
  }
  for (const part of owed)
    yield `  ${part.next === undefined ? 'dead letter' : 'owed       '}      ${describeOwed(part)}`
}

async function freeze(workplace: Workplace, processes: readonly string[], where: string | undefined, json: boolean) {
  const unit = await workplace.unit(where)
  return each(workplace, processes, json, (process) => freezeProcess(process, unit))
}

async function open(workplace: Workplace, processes: readonly string[], where: string | undefined, json: boolean) {
  const unit = await workplace.unit(where)
  const placements = workplace.placementsOf(where)
  return each(workplace, processes, json, (process) => openProcess(placements, process, unit))
}

/** One after the other; what one of them is refused for does not concern the next. */
async function each(
  { print, complain }: Workplace,
  processes: readonly string[],
  json: boolean,
  change: (process: string) => Promise<Held>,
): Promise<Exit> {
  let exit: Exit = exits.well
  for (const process of processes) {
    try {
      const held = await change(process)
      const { unit, state, changed } = held
      print(json ? JSON.stringify(held) : `${process}  ${changed ? 'is' : 'was'} ${state} on ${unit}`)
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      complain(`${process}: ${error.message}`)
      exit = exits.undone
    }
  }
  return exit
}
