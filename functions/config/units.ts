/** The router's list of scheduler units (contract, "Router"): the JSON itself, or a file that holds it. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { isId } from '../../core/ans104/base64url.ts'
import type { UnitSettings } from '../../core/placement/units.ts'
import { rootOf } from './placements.ts'
import { httpUrl } from './variables.ts'

const entry = v.strictObject({
  url: v.string(),
  no_route: v.nullish(v.boolean(), false),
  /** Owner addresses, separated by commas. */
  wallets_to_route: v.nullish(v.string(), ''),
  wallets_only: v.nullish(v.boolean(), false),
})

const list = v.pipe(v.string(), v.parseJson(), v.array(v.unknown()))

const SHAPE =
  '[{"url":"https://su.example","no_route":false,"wallets_to_route":"ADDRESS,ADDRESS","wallets_only":false}]'
const HOW = `set it to the list of scheduler units as JSON, such as ${SHAPE}`

export const units = v.pipe(
  v.object({
    SCHEDULER_LIST: v.optional(v.string()),
    SCHEDULER_LIST_PATH: v.optional(v.string()),
    ROUTER_URL: v.optional(httpUrl),
    URL: v.optional(httpUrl),
  }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }): UnitSettings[] => {
    const problem = (message: string) => {
      addIssue({ message })
      return NEVER
    }
    const { SCHEDULER_LIST: listed, SCHEDULER_LIST_PATH: path } = env
    if (listed === undefined && path === undefined) {
      return problem(`SCHEDULER_LIST is missing: ${HOW}, or SCHEDULER_LIST_PATH to a file with it.`)
    }
    const text = listed ?? contentOf(path)
    if (text === undefined) {
      return problem('SCHEDULER_LIST_PATH names a file that cannot be read: set it to the path of the list of units.')
    }
    const name = listed === undefined ? 'The file that SCHEDULER_LIST_PATH names' : 'SCHEDULER_LIST'
    const parsed = v.safeParse(list, text)
    if (!parsed.success) return problem(`${name} must be a JSON array of units: ${SHAPE}.`)
    if (parsed.output.length === 0) return problem(`${name} has no unit in it: a router needs one or more.`)
    const own = [env.URL, env.ROUTER_URL].flatMap((address) => URL.parse(address ?? '')?.origin ?? [])
    const { found, problems } = judge(parsed.output, own)
    for (const sentence of problems) addIssue({ message: `${name} ${sentence}` })
    return problems.length === 0 ? found : NEVER
  }),
)

function contentOf(path = ''): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Each problem names the entry by its place, the first is 1: no address is shown. */
function judge(entries: readonly unknown[], own: readonly string[]) {
  const found: UnitSettings[] = []
  const problems: string[] = []
  const places = new Map<string, number>()
  for (const [index, value] of entries.entries()) {
    const place = index + 1
    const settings = settingsOf(value)
    if (typeof settings === 'string') {
      problems.push(`has a mistake in entry ${place}: ${settings}.`)
      continue
    }
    const before = places.get(settings.url)
    if (before !== undefined) {
      problems.push(`names a unit twice: entries ${before} and ${place} have the same address.`)
      continue
    }
    if (own.includes(settings.url)) {
      problems.push(`has a mistake in entry ${place}: it is the router's own address, and must be that of a unit.`)
      continue
    }
    places.set(settings.url, place)
    found.push(settings)
  }
  return { found, problems }
}

/** The settings, or what is wrong with them. */
function settingsOf(value: unknown): UnitSettings | string {
  const parsed = v.safeParse(entry, value)
  if (!parsed.success) {
    return 'it must have url, and may have no_route, wallets_only (true or false) and wallets_to_route (a text), nothing else'
  }
  const { url, no_route, wallets_to_route, wallets_only } = parsed.output
  const address = URL.parse(url)
  if (address === null || !['http:', 'https:'].includes(address.protocol)) {
    return 'its url must be an address that begins with http:// or https://'
  }
  const root = rootOf(url)
  if (root === undefined) return 'its url must have no path, query or credentials: a unit lives at the root of its host'
  const wallets = wallets_to_route
    .split(',')
    .map((wallet) => wallet.trim())
    .filter((wallet) => wallet !== '')
  if (!wallets.every(isId))
    return 'its wallets_to_route must be addresses of 43 base64url characters, separated by commas'
  return { url: root, routed: !no_route, wallets: new Set(wallets), walletsOnly: wallets_only }
}
