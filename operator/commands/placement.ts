/** Which unit has a process: looking it up, moving it on purpose, and placing what a unit has already. */
import { isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import { adopt } from '../../core/placement/adopt.ts'
import { type Moved, moveProcess } from '../../core/placement/move.ts'
import { abandonMove } from '../../core/placement/move-abandon.ts'
import { moveFromDead } from '../../core/placement/move-from-dead.ts'
import { type Command, type Exit, exits, parse, processesIn, UsageError, type Workplace } from '../command.ts'

const options = {
  from: { type: 'string' },
  to: { type: 'string' },
  unit: { type: 'string' },
  dead: { type: 'boolean' },
  'despite-faults': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

/** What each action takes beside --json. */
const taken: Record<string, readonly string[]> = {
  show: [],
  move: ['from', 'to', 'dead', 'despite-faults'],
  abandon: ['from'],
  adopt: ['unit'],
}

export const placement: Command = {
  usage: [
    'placement show PROCESS [--json]',
    'placement move PROCESS[,PROCESS…] --from ENV --to ENV [--despite-faults] [--json]',
    'placement move PROCESS[,PROCESS…] --dead --to ENV [--json]',
    'placement abandon PROCESS[,PROCESS…] --from ENV [--json]',
    'placement adopt [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const { values, positionals } = parse(args, options)
    const [action = '', list, ...more] = positionals
    const allowed = Object.hasOwn(taken, action) ? taken[action] : undefined
    if (!allowed) throw new UsageError('Say what to do with placements: show, move, abandon or adopt.')
    const { json = false, dead = false, from, to, unit } = values
    const wrong = Object.keys(values).find((name) => name !== 'json' && !allowed.includes(name))
    if (wrong !== undefined) throw new UsageError(`placement ${action} takes no --${wrong}.`)
    if (more.length > 0 || (action === 'adopt' && list !== undefined)) {
      throw new UsageError(`What is ${[...(action === 'adopt' ? [list] : []), ...more].join(' ')}?`)
    }
    switch (action) {
      case 'show':
        return show(workplace, list, json)
      case 'adopt':
        return adoptAll(workplace, unit, json)
      case 'abandon':
        if (from === undefined) throw new UsageError('Say where the unit is that goes on: --from ENV.')
        return abandon(workplace, processesIn(list), from, json)
      default: {
        if (to === undefined) throw new UsageError('Say where the unit is that gets the process: --to ENV.')
        if (dead === (from !== undefined)) {
          throw new UsageError('Say where the unit is that has the process: --from ENV; or --dead where it is lost.')
        }
        const processes = processesIn(list)
        if (from === undefined) return moveDead(workplace, processes, to, json)
        return move(workplace, processes, { from, to, despiteFaults: values['despite-faults'] ?? false, json })
      }
    }
  },
}

async function show({ placements, print, complain }: Workplace, process: string | undefined, json: boolean) {
  if (process === undefined || !isId(process)) throw new UsageError('Name a process by its id of 43 characters.')
  const found = await placements().read(process)
  if (!found) {
    complain(`The process ${process} is placed on no unit.`)
    return exits.undone
  }
  const { unit, state, refusedBy, version, at } = found
  if (json) print(JSON.stringify(found))
  else {
    print(`${process}  ${state} on ${unit} since ${new Date(at).toISOString()}, version ${version}`)
    if (refusedBy.length > 0) print(`  refused by ${refusedBy.join(', ')}`)
  }
  return exits.well
}

async function move(
  workplace: Workplace,
  processes: readonly string[],
  { from, to, despiteFaults, json }: { from: string; to: string; despiteFaults: boolean; json: boolean },
): Promise<Exit> {
  const { placements, clock, gateway, complain } = workplace
  const deps = { placements: placements(), clock, gateway: gateway(to) }
  const [source, target] = await Promise.all([workplace.unit(from), workplace.unit(to)])
  return each(workplace, processes, async (process) => {
    try {
      tell(workplace, await moveProcess(deps, { process, from: source, to: target, despiteFaults }), json)
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      complain(`${process}: ${error.message}`)
      // What became of it is worth a word, if it can be had.
      const head = await source.log.head(process).catch(() => undefined)
      if (head?.state === 'frozen') {
        complain(`It is frozen on ${source.url}: run it again, or: placement abandon ${process} --from ${from}`)
      }
      return exits.undone
    }
    return exits.well
  })
}

async function moveDead(workplace: Workplace, processes: readonly string[], to: string, json: boolean): Promise<Exit> {
  const deps = { placements: workplace.placements(), clock: workplace.clock }
  const target = await workplace.unit(to)
  return each(workplace, processes, async (process) => {
    tell(workplace, await moveFromDead(deps, process, target), json)
    return exits.well
  })
}

function tell({ print, complain }: Workplace, moved: Moved, json: boolean): void {
  const { process, unit, version, next, opened, withoutDeepHash, faults, uploadsLeft } = moved
  if (json) {
    print(JSON.stringify(moved))
    return
  }
  if (!opened) {
    print(`${process}  is on ${unit} already, version ${version}: there was nothing to move`)
    return
  }
  print(`${process}  on ${unit}, version ${version}; the next nonce is ${next}`)
  if (uploadsLeft > 0) print(`  ${uploadsLeft} records were not uploaded yet: both units do it`)
  for (const { nonce, what } of faults) complain(`${process}: nonce ${nonce} ${what}`)
  for (const { nonce, id, reason } of withoutDeepHash) {
    complain(`${process}: nonce ${nonce}, the transaction ${id}, is known by its id only: ${reason}`)
  }
}

async function abandon(workplace: Workplace, processes: readonly string[], from: string, json: boolean): Promise<Exit> {
  const { placements, clock, print } = workplace
  const deps = { placements: placements(), clock }
  const unit = await workplace.unit(from)
  return each(workplace, processes, async (process) => {
    const abandoned = await abandonMove(deps, process, unit)
    const what = abandoned.opened ? 'goes on' : 'was open: there was nothing to abandon'
    print(json ? JSON.stringify(abandoned) : `${process}  on ${unit.url}, version ${abandoned.version}: ${what}`)
    return exits.well
  })
}

/** One after the other; what one of them is refused for does not concern the next. */
async function each(
  { complain }: Workplace,
  processes: readonly string[],
  run: (process: string) => Promise<Exit>,
): Promise<Exit> {
  let exit: Exit = exits.well
  for (const process of processes) {
    try {
      if ((await run(process)) !== exits.well) exit = exits.undone
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      complain(`${process}: ${error.message}`)
      exit = exits.undone
    }
  }
  return exit
}

async function adoptAll(workplace: Workplace, where: string | undefined, json: boolean): Promise<Exit> {
  const { placements, clock, print, complain } = workplace
  const unit = await workplace.unit(where)
  const counts = { placed: 0, there: 0, elsewhere: 0, copy: 0 }
  for await (const adoption of adopt({ placements: placements(), clock }, unit)) {
    const { process, kind } = adoption
    counts[kind]++
    if (json) print(JSON.stringify(adoption))
    if (kind === 'elsewhere') complain(`${process} is placed on ${adoption.unit}, and stays there.`)
  }
  const { placed, there, elsewhere, copy } = counts
  if (!json) {
    print(
      `${placed} placed on ${unit.url}, ${there} were there, ${elsewhere} are placed elsewhere, ${copy} are copies of a move.`,
    )
  }
  return elsewhere === 0 ? exits.well : exits.undone
}
