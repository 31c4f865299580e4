/** The units that have processes, and whether they are dead. */
import { revive } from '../../core/placement/adopt-revived.ts'
import { DEAD_FOR_MS } from '../../core/placement/move-from-dead.ts'
import { rootOf } from '../../functions/config/placements.ts'
import { type Command, type Exit, exits, parse, UsageError, type Workplace } from '../command.ts'

export const units: Command = {
  usage: ['units list [--json]', 'units dead URL [--json]', 'units alive URL --unit ENV [--json]'],
  async run(args, workplace) {
    const { values, positionals } = parse(args, { unit: { type: 'string' }, json: { type: 'boolean' } })
    const { unit, json = false } = values
    const [action, address, ...more] = positionals
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    if (unit !== undefined && action !== 'alive') throw new UsageError(`units ${action} takes no --unit.`)
    if (action === 'list' && address === undefined) return list(workplace, json)
    if (action === 'dead') return dead(workplace, addressIn(address), json)
    if (action !== 'alive') throw new UsageError('Say what to do with units: list, dead or alive.')
    if (unit === undefined) {
      throw new UsageError(
        'Say where the unit is (--unit ENV): what was moved away from it is frozen in its log first.',
      )
    }
    return alive(workplace, addressIn(address), unit, json)
  },
}

function addressIn(text: string | undefined): string {
  const address = text === undefined ? undefined : rootOf(text)
  if (address === undefined) throw new UsageError('Name a unit by its address, such as https://su1.example.')
  return address
}

/** Every unit that is listed or has processes. */
async function known({
  placements,
  listedUnits,
}: Workplace): Promise<Map<string, { processes: number; listed: boolean }>> {
  const counts = await placements().counts()
  const listed = listedUnits().map(({ url }) => url)
  const all = [...new Set([...listed, ...counts.keys()])].sort()
  return new Map(all.map((url) => [url, { processes: counts.get(url) ?? 0, listed: listed.includes(url) }]))
}

async function list(workplace: Workplace, json: boolean): Promise<Exit> {
  const { placements, print } = workplace
  const all = await known(workplace)
  const anyListed = [...all.values()].some(({ listed }) => listed)
  for (const [url, { processes, listed }] of all) {
    const since = await placements().deadSince(url)
    if (json) {
      print(JSON.stringify({ url, processes, listed, ...(since !== undefined && { deadSince: since }) }))
      continue
    }
    const notes = [
      `${processes} ${processes === 1 ? 'process' : 'processes'}`,
      ...(anyListed && !listed ? ['not in the list'] : []),
      ...(since === undefined ? [] : [`dead since ${new Date(since).toISOString()}`]),
    ]
    print(`${url}  ${notes.join(', ')}`)
  }
  if (!json && all.size === 0) print('No unit has a process.')
  return exits.well
}

async function dead(workplace: Workplace, url: string, json: boolean): Promise<Exit> {
  const { placements, clock, print, complain } = workplace
  if (!(await known(workplace)).has(url)) {
    complain(`${url} is not in the list of units, and has no processes.`)
    return exits.undone
  }
  await placements().declareDead(url, clock.now())
  const since = (await placements().deadSince(url)) ?? clock.now()
  const movable = since + DEAD_FOR_MS
  if (json) print(JSON.stringify({ url, deadSince: since, movableFrom: movable }))
  else {
    print(`${url} is dead since ${new Date(since).toISOString()}: it schedules nothing once it has seen that.`)
    print(`Its processes can be moved without its log from ${new Date(movable).toISOString()} on.`)
  }
  return exits.well
}

async function alive(workplace: Workplace, url: string, where: string, json: boolean): Promise<Exit> {
  const { placements, print, complain } = workplace
  const unit = await workplace.unit(where)
  if (unit.url !== url) {
    complain(`The unit at ${where} is ${unit.url}, not ${url}.`)
    return exits.undone
  }
  const revived = await revive(placements(), unit)
  const { processes, frozen } = revived
  print(
    json
      ? JSON.stringify(revived)
      : `${url} is alive. Its log has ${processes} processes; ${frozen} that were moved away are frozen in it now.`,
  )
  return exits.well
}
