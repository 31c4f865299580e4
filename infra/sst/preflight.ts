/** What AWS would refuse in the middle of a deploy, or would take without a word: looked at before anything is made. */
import { type FunctionSettings, routerFunctions, unitFunctions } from '../functions.ts'
import { isProtected, type Region, type Settings } from '../stage.ts'
import { routerTables, type TableSettings, tables } from '../tables.ts'
import type { Place, Places } from './places.ts'

/** "Concurrent executions" of Lambda, as Service Quotas knows it. */
const CONCURRENCY = { serviceCode: 'lambda', quotaCode: 'L-B99A9384' }

/** What AWS does not let anybody reserve. */
const UNRESERVED = 100

/** Gives what an operator should know, a sentence each. Fails with a sentence where the deploy would fail, or would lose something. */
export async function preflight(settings: Settings, places: Places): Promise<string[]> {
  for (const region of settings.regions) {
    const place = places.of(region)
    if (settings.reserveConcurrency) await assertConcurrency(settings, place)
    for (const [name, existing] of Object.entries(settings.existingTables[region] ?? {})) {
      await assertUsable(existing, wantedOf(name, settings, region), settings, place)
    }
  }
  return settings.alarms && settings.alarmsTo === undefined
    ? ['Alarms: they reach no one. Set alarmsTo in infra/settings.ts and deploy again.']
    : []
}

async function assertConcurrency(settings: Settings, { region, options }: Place): Promise<void> {
  const { value } = await aws.servicequotas.getServiceQuota(CONCURRENCY, options)
  const needed = reservedIn(settings, region) + UNRESERVED
  if (value >= needed) return
  throw new Error(
    `Lambda concurrency: the account has ${value} in ${region}, and reserveConcurrency needs ${needed}. ` +
      `Raise the quota (aws service-quotas request-service-quota-increase --region ${region} --service-code lambda ` +
      `--quota-code ${CONCURRENCY.quotaCode} --desired-value 1000), or set reserveConcurrency to false in infra/settings.ts.`,
  )
}

/** Executions that are reserved for a region's functions. */
export function reservedIn(settings: Settings, region: Region): number {
  const router = settings.domains.router !== undefined && settings.regions[0] === region
  const all: Record<string, FunctionSettings> = { ...unitFunctions, ...(router && routerFunctions) }
  return Object.entries(all)
    .filter(([name]) => !(name === 'su' && settings.managedInstances[region]))
    .reduce((sum, [, { reservedConcurrency = 0 }]) => sum + reservedConcurrency, 0)
}

interface WantedTable extends TableSettings {
  streamView: 'NEW_IMAGE' | 'NEW_AND_OLD_IMAGES' | undefined
}

function wantedOf(name: string, { regions, domains }: Settings, region: Region): WantedTable {
  if (name === 'placements' && (domains.router === undefined || region !== regions[0])) {
    throw new Error(
      `The table of placements: ${region} has none of its own. Name it at the home region of a stage with a router (existingTables).`,
    )
  }
  const known: Record<string, TableSettings> = { ...tables, ...routerTables }
  const table = known[name]
  if (table === undefined) throw new Error(`"${name}" is no table of infra/tables.ts (existingTables).`)
  const replicated = name === 'placements' && regions.length > 1
  return { ...table, streamView: replicated ? 'NEW_AND_OLD_IMAGES' : table.stream }
}

/** A table that came back from a backup has neither stream, expiry, recovery nor protection: docs/restore.md sets them. */
async function assertUsable(
  name: string,
  { hashKey, rangeKey, expiry, streamView }: WantedTable,
  settings: Settings,
  { region, options }: Place,
): Promise<void> {
  const found = await aws.dynamodb.getTable({ name }, options)
  const lacking = [
    (found.hashKey !== hashKey || (found.rangeKey || undefined) !== rangeKey) && 'the right keys',
    streamView && !(found.streamEnabled && found.streamViewType === streamView) && `a stream (${streamView})`,
    expiry && !(found.ttl.enabled && found.ttl.attributeName === expiry) && `expiry (TTL) by "${expiry}"`,
    !found.pointInTimeRecovery.enabled && 'point-in-time recovery',
    isProtected(settings) && !found.deletionProtectionEnabled && 'deletion protection',
  ].filter((one) => typeof one === 'string')
  if (lacking.length === 0) return
  throw new Error(
    `The table ${name} in ${region} (existingTables) lacks ${lacking.join(', ')}. Set it as docs/restore.md says, then deploy again.`,
  )
}
