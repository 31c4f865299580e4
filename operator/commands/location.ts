/** At which address clients find this scheduler (contract, "Finding a scheduler"): shown, published, renewed. */
import { DEFAULT_TTL_MS, isDue, runsOutAt, signLocation } from '../../core/location/location.ts'
import type { SchedulerLocation } from '../../core/ports/location-source.ts'
import { rootOf } from '../../functions/config/placements.ts'
import { type Command, type Exit, exits, type LocationParts, parse, UsageError, type Workplace } from '../command.ts'

const options = {
  url: { type: 'string' },
  ttl: { type: 'string' },
  yes: { type: 'boolean' },
  unit: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** What each action takes beside --unit and --json. */
const taken: Record<string, readonly string[]> = {
  show: [],
  publish: ['url', 'ttl', 'yes'],
  renew: ['yes'],
}

interface Call {
  unit: string | undefined
  /** Whatever stands. */
  yes: boolean
  json: boolean
}

export const location: Command = {
  usage: [
    'location show [--unit ENV] [--json]',
    'location publish --url URL [--ttl MS] [--yes] [--unit ENV] [--json]',
    'location renew [--yes] [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const { values, positionals } = parse(args, options)
    const [action = '', ...more] = positionals
    const allowed = Object.hasOwn(taken, action) ? taken[action] : undefined
    if (!allowed) throw new UsageError('Say what to do with the location: show, publish or renew.')
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    const wrong = Object.keys(values).find((name) => !['unit', 'json', ...allowed].includes(name))
    if (wrong !== undefined) throw new UsageError(`location ${action} takes no --${wrong}.`)
    const { url, ttl, yes = false, unit, json = false } = values
    const call = { unit, yes, json }
    if (action === 'show') return show(workplace, call)
    if (action === 'renew') return renew(workplace, call)
    const wanted = { url: addressIn(url), ttlMs: lifeIn(ttl) }
    return publish(workplace, wanted, call)
  },
}

/** Clients keep scheme, host and port of it. */
function addressIn(text: string | undefined): string {
  const address = text === undefined ? undefined : rootOf(text)
  if (address !== undefined && /^https?:/.test(address)) return address
  throw new UsageError('Say at which address: --url https://su.example, without a path.')
}

function lifeIn(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TTL_MS
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new UsageError('--ttl is a number of milliseconds.')
}

/** Whether an address is this one, however it is written. */
const isAt = (url: string | undefined, address: string): boolean =>
  url !== undefined && (rootOf(url) ?? url) === address

async function show(workplace: Workplace, { unit, json }: Call): Promise<Exit> {
  const { print, complain } = workplace
  const { wallet, address, source } = await workplace.location(unit)
  const standing = await source.newest(wallet)
  const ours = standing !== undefined && isAt(standing.url, address)
  if (json) print(JSON.stringify({ wallet, address, published: standing ?? null, ours }))
  else if (standing) {
    for (const line of shown(standing)) print(line)
    print(ours ? '  which is this stack.' : `  which is not this stack: that is ${address}.`)
  }
  if (standing) return exits.well
  complain(`Nothing is published for the wallet ${wallet}.`)
  return exits.undone
}

function* shown(location: SchedulerLocation): Generator<string> {
  const { id, url, ttlMs, at } = location
  const until = runsOutAt(location)
  yield `${url ?? 'no address'}  said by ${id}`
  const since = at === undefined ? 'it waits for its block' : `published ${new Date(at).toISOString()}`
  const life = ttlMs === undefined ? 'no time to live' : `clients keep it for ${ttlMs} ms`
  yield `  ${since}, ${life}${until === undefined ? '' : `; runs out ${new Date(until).toISOString()}`}`
}

async function publish(workplace: Workplace, wanted: { url: string; ttlMs: number }, { unit, yes, json }: Call) {
  const parts = await workplace.location(unit)
  const standing = await parts.source.newest(parts.wallet)
  if (standing && !isAt(standing.url, wanted.url) && !yes) {
    workplace.complain(
      `Another address stands: ${standing.url ?? 'none'}, said by ${standing.id}. To replace it, say --yes.`,
    )
    return exits.undone
  }
  return send(workplace, parts, wanted, json)
}

async function renew(workplace: Workplace, { unit, yes, json }: Call): Promise<Exit> {
  const { clock, print, complain } = workplace
  const parts = await workplace.location(unit)
  const { source, wallet, address } = parts
  const standing = await source.newest(wallet)
  if (standing?.url === undefined) {
    complain(`Nothing is published for the wallet ${wallet}: location publish --url ${address}`)
    return exits.undone
  }
  if (!isAt(standing.url, address) && !yes) {
    complain(`What stands is ${standing.url}, and this stack is ${address}. To renew it all the same, say --yes.`)
    return exits.undone
  }
  if (isDue(standing, clock.now())) {
    return send(workplace, parts, { url: standing.url, ttlMs: standing.ttlMs ?? DEFAULT_TTL_MS }, json)
  }
  const until = runsOutAt(standing)
  if (json) print(JSON.stringify({ published: standing, renewed: false }))
  else {
    const when = until === undefined ? 'it waits for its block' : `it runs out ${new Date(until).toISOString()}`
    print(`Nothing is to be done: ${standing.url} stands, ${when}.`)
  }
  return exits.well
}

/** Signs it and hands it over, once: whoever is refused reads why, and tries again. */
async function send(
  { print, complain }: Workplace,
  parts: LocationParts,
  { url, ttlMs }: { url: string; ttlMs: number },
  json: boolean,
): Promise<Exit> {
  const bundler = parts.bundler()
  const { id, raw } = await signLocation(parts.signer(), { url, ttlMs })
  const outcome = await bundler.upload(id, raw)
  if (outcome.kind !== 'taken') {
    complain(`The bundler did not take it: ${outcome.reason}`)
    return exits.undone
  }
  await parts.shown.publish(raw)
  print(
    json
      ? JSON.stringify({ id, url, ttlMs, renewed: true })
      : `${url}  said by ${id} for ${ttlMs} ms: clients find it when the gateway has it.`,
  )
  return exits.well
}
