/** The table of placements, and what a unit asks before it takes a spawn (contract, "Router"). */
import * as v from 'valibot'
import { flag, httpUrl, required, text } from './variables.ts'

export interface PlacementTable {
  table: string
  /** The one region in which placements are written, and the function's own; undefined: the SDK knows its own. */
  homeRegion: string | undefined
  ownRegion: string | undefined
  /** Another DynamoDB, as the local one. */
  endpoint: string | undefined
}

const regions = {
  PLACEMENTS_REGION: v.optional(text),
  PLACEMENTS_ENDPOINT: v.optional(httpUrl),
  AWS_REGION: v.optional(text),
}

type Regions = v.InferOutput<v.ObjectSchema<typeof regions, undefined>>

const tableOf = (table: string, env: Regions): PlacementTable => ({
  table,
  homeRegion: env.PLACEMENTS_REGION ?? env.AWS_REGION,
  ownRegion: env.AWS_REGION,
  endpoint: env.PLACEMENTS_ENDPOINT,
})

/** For whoever cannot do without: the router. */
export const placements = v.pipe(
  v.object({ PLACEMENTS_TABLE: required('the name of the DynamoDB table of placements', text), ...regions }),
  v.transform((env) => tableOf(env.PLACEMENTS_TABLE, env)),
)

/** By what a unit knows that a process is its own. */
export type OwnPlacementConfig =
  | ({ kind: 'table'; ownUrl: string } & PlacementTable)
  | { kind: 'router'; routerUrl: string; ownUrl: string }

const DEFAULT_ROUTER = 'https://su-router.ao-testnet.xyz'

/** For a unit; undefined where it is alone. The table wins, since it is asked without a way around. */
export const ownPlacement = v.pipe(
  v.object({
    PLACEMENTS_TABLE: v.optional(text),
    ...regions,
    ENABLE_ROUTER_CHECK: flag(false),
    ROUTER_URL: v.optional(httpUrl, DEFAULT_ROUTER),
    URL: v.optional(httpUrl),
  }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }): OwnPlacementConfig | undefined => {
    const { PLACEMENTS_TABLE: table, ENABLE_ROUTER_CHECK: check, ROUTER_URL: routerUrl, URL: url } = env
    if (table === undefined && !check) return undefined
    const asked = table === undefined ? 'ENABLE_ROUTER_CHECK is true' : 'PLACEMENTS_TABLE is set'
    if (url === undefined) {
      addIssue({ message: `URL is missing: where ${asked}, set it to this unit's own address as the router has it.` })
      return NEVER
    }
    const ownUrl = rootOf(url)
    if (ownUrl === undefined) {
      addIssue({
        message: `URL must have no path, query or credentials where ${asked}: a unit lives at the root of its host.`,
      })
      return NEVER
    }
    return table === undefined
      ? { kind: 'router', routerUrl, ownUrl }
      : { kind: 'table', ownUrl, ...tableOf(table, env) }
  }),
)

/** Scheme, host and port in their one form, where the address says nothing else. */
export function rootOf(address: string): string | undefined {
  const url = URL.parse(address)
  return url !== null && url.href === `${url.origin}/` ? url.origin : undefined
}
