/** What the units of one start are told beside what was configured, and what of that is the router's alone. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { localTableName } from './dynamodb.ts'
import { ownWallet } from './environment.ts'
import type { StackOptions } from './options.ts'
import { routerDir } from './state-dir.ts'

type Variables = Record<string, string>

export interface RegionPlaces {
  /** Addresses of the router, of its DynamoDB, and of the stand-in that all units share, where there is one. */
  router: string
  dynamodb: string
  gateway: string | undefined
}

/** The secret by which router and units know each other: the one that was given, else made once and kept. */
export const routerSecret = ({ stateDir, variables }: StackOptions): string => {
  if (variables.ROUTER_SECRET !== undefined) return variables.ROUTER_SECRET
  const file = join(routerDir(stateDir), 'secret')
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
  }
  return readFileSync(file, 'utf8')
}

/** URL in the configuration is the router's address; each unit has its own. */
export const unitVariables = (options: StackOptions, url: string, places: RegionPlaces): Variables => {
  const { MODE, SCHEDULER_LIST, SCHEDULER_LIST_PATH, PASS_ON, ...rest } = options.variables
  const { router, dynamodb, gateway } = places
  const wallet = ownWallet(options)
  return {
    ...(gateway === undefined ? {} : { GATEWAY_URL: gateway, UPLOAD_NODE_URL: gateway, CACHE_URL: gateway }),
    ROUTER_URL: router,
    ...rest,
    ...(wallet === undefined ? {} : { SU_WALLET_PATH: wallet }),
    URL: url,
    ROUTER_SECRET: routerSecret(options),
    PLACEMENTS_TABLE: localTableName('placements'),
    PLACEMENTS_ENDPOINT: dynamodb,
  }
}

/** Whether the operator gave the list of units. */
export const isListGiven = ({ variables }: StackOptions): boolean =>
  variables.SCHEDULER_LIST !== undefined || variables.SCHEDULER_LIST_PATH !== undefined

/** The list of all units, unless the operator gave one. */
export const routerVariables = (options: StackOptions, units: readonly string[]): Variables => {
  const { MODE, ...rest } = options.variables
  return {
    ...(isListGiven(options) ? {} : { SCHEDULER_LIST: JSON.stringify(units.map((url) => ({ url }))) }),
    ...rest,
    ROUTER_SECRET: routerSecret(options),
  }
}

/** Which of the units a list that the operator gave does not name; none where it cannot be read, which the router says better. */
export const leftOut = ({ variables }: StackOptions, units: readonly string[]): string[] => {
  const listed = listedOrigins(variables)
  return listed === undefined ? [] : units.filter((url) => !listed.has(url))
}

const listedOrigins = ({ SCHEDULER_LIST: list, SCHEDULER_LIST_PATH: path }: Readonly<Variables>) => {
  try {
    const entries: unknown = JSON.parse(list ?? readFileSync(path ?? '', 'utf8'))
    if (!Array.isArray(entries)) return undefined
    return new Set(entries.map((entry) => URL.parse(entry?.url)?.origin))
  } catch {
    return undefined
  }
}
