/**
 * Reads AO-Core paths (docs/protocol.md, "AO-Core paths"). HyperBEAM and its clients write one question in many ways:
 * the process before the device or in `target`, parameters in a path segment or in the query, types after names.
 */
import { SchedulerError } from '../../core/errors.ts'

/** The routes behind these paths, as Hono knows them. */
export const aoCoreRoutes = {
  schedule: '/~scheduler@1.0/schedule',
  slot: '/~scheduler@1.0/slot',
  currentSlot: '/~scheduler@1.0/slot/current',
  status: '/~scheduler@1.0/status',
  location: '/~scheduler@1.0/location',
  /** Paths of devices that compute, push or manage: no scheduler's. */
  elsewhere: '/~process@1.0',
} as const

export type AoCoreRoute = (typeof aoCoreRoutes)[keyof typeof aoCoreRoutes]

export interface AoCorePath {
  route: AoCoreRoute
  /** The process that the path names, 43 base64url characters. */
  process: string | undefined
  /** The address that a path of `~location@1.0` names. */
  address: string | undefined
  /** Parameters of the path's segments and of the query. Of several with one name the last non-empty one counts. */
  params: URLSearchParams
}

const processPattern = /^([A-Za-z0-9_-]{43})(?:~(process|scheduler)@1\.0)?$/

/** What every AO-Core path has, and no other path of the unit. Keeps other requests from paying for the rest. */
const hint = /~|%7e|&|\/(?:schedule|slot|push|compute|now)(?:$|[/&=~])/i

/** Keys that ask for computation or for pushing. */
const computing = /^(?:push|compute|now|as=.*|results(?:=.*)?)$/

/** Undefined for a path of another kind. */
export function readAoCorePath(url: string): AoCorePath | undefined {
  const query = url.indexOf('?')
  if (!hint.test(query === -1 ? url : url.slice(0, query))) return undefined
  const { pathname, searchParams } = new URL(url)
  const segments = pathname.split('/').filter((segment) => segment !== '')
  const names: string[] = []
  const pairs: [string, string][] = []
  for (const segment of segments) {
    const [name, ...parameters] = segment.split('&').map(decoded)
    if (name === undefined || parameters.includes(undefined)) return undefined
    names.push(name)
    for (const parameter of parameters) {
      const at = (parameter ?? '').indexOf('=')
      if (at > 0) pairs.push([(parameter ?? '').slice(0, at), (parameter ?? '').slice(at + 1)])
    }
  }
  const params = merged([...pairs, ...searchParams])
  const found = routeOf(withoutSerializer(names))
  return found && { process: undefined, address: undefined, ...found, params }
}

type Found = Pick<AoCorePath, 'route'> & Partial<Pick<AoCorePath, 'process' | 'address'>>

function routeOf([first = '', ...rest]: string[]): Found | undefined {
  const [, process, device] = processPattern.exec(first) ?? []
  if (process !== undefined) {
    const [next, ...others] = rest
    const isDevice = device === undefined && (next === '~scheduler@1.0' || next === '~process@1.0')
    const keys = isDevice ? others : rest
    const route = scheduleRouteOf(keys)
    if (route !== undefined) return { route, process }
    const isElsewhere = isDevice || device !== undefined || computing.test(keys[0] ?? '')
    return isElsewhere ? { route: aoCoreRoutes.elsewhere, process } : undefined
  }
  const [key = '', ...more] = rest
  switch (first) {
    case '~scheduler@1.0':
      if (rest.length === 1 && (key === 'status' || key === 'location')) return { route: aoCoreRoutes[key] }
      return { route: scheduleRouteOf(rest) ?? aoCoreRoutes.elsewhere }
    case '~process@1.0':
      return { route: scheduleRouteOf(rest) ?? aoCoreRoutes.elsewhere }
    case '~location@1.0':
      if (more.length === 0 && /^[A-Za-z0-9_-]{43}$/.test(key)) return { route: aoCoreRoutes.location, address: key }
      return { route: aoCoreRoutes.elsewhere }
    case '~meta@1.0':
      return { route: aoCoreRoutes.elsewhere }
    default:
      return computing.test(first) ? { route: aoCoreRoutes.elsewhere } : undefined
  }
}

function scheduleRouteOf(keys: readonly string[]): AoCoreRoute | undefined {
  switch (keys.join('/')) {
    case 'schedule':
      return aoCoreRoutes.schedule
    case 'slot':
      return aoCoreRoutes.slot
    case 'slot/current':
      return aoCoreRoutes.currentSlot
    default:
      return undefined
  }
}

/** `/~json@1.0/serialize` and `/serialize~json@1.0` ask for JSON, which every answer here is. */
function withoutSerializer(names: readonly string[]): string[] {
  if (names.at(-1) === 'serialize~json@1.0') return names.slice(0, -1)
  if (names.at(-1) === 'serialize' && names.at(-2) === '~json@1.0') return names.slice(0, -2)
  return [...names]
}

function merged(pairs: readonly (readonly [string, string])[]): URLSearchParams {
  const params = new URLSearchParams()
  for (const [typedName, value] of pairs) {
    // A plus sign in a query is a space by the time that it is read.
    const name = typedName.replace(/[+ ][Ii]nteger$/, '')
    if (value !== '' || !params.has(name)) params.set(name, value)
  }
  return params
}

/** Undefined where the text is not percent-encoded UTF-8. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * The process that a request is about, from its path and `target`. Throws `invalid-request` where these name two
 * processes, or where `target` is no id.
 */
export function processNamed({ process, params }: AoCorePath): string | undefined {
  const target = params.get('target') || undefined
  if (target !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(target)) {
    throw new SchedulerError('invalid-request', 'target is not the id of a process: an id has 43 characters.')
  }
  if (process !== undefined && target !== undefined && process !== target) {
    throw new SchedulerError('invalid-request', 'The path and target name two processes. Name one.')
  }
  return process ?? target
}

/**
 * The form in which a schedule is wanted. Throws `no-such-form` where only forms are accepted that need messages signed
 * as HTTP signatures. A client that does not say, or says something else, gets the form that there is.
 */
export function checkForm({ params }: AoCorePath, header: (name: string) => string | undefined): void {
  const wanted = (name: string) => (params.get(name) || header(name) || '').toLowerCase()
  const codec = wanted('require-codec')
  const accepted = codec !== '' ? [codec] : wanted('accept').split(',')
  const types = accepted.map((type) => (type.split(';')[0] ?? '').trim()).filter((type) => type !== '')
  if (types.length > 0 && types.every((type) => /^(?:application\/http|multipart\/|httpsig@)/.test(type))) {
    throw new SchedulerError('no-such-form', 'A schedule is served as application/aos-2 only: JSON with edges.', {
      available: ['application/aos-2'],
    })
  }
}
