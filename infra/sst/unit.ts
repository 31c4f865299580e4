/** One region's scheduler unit, a whole stack: its tables and bucket, its functions, what calls them, its way in. */
import { unitAlarms } from '../alarms.ts'
import { unitFunctions } from '../functions.ts'
import type { Settings } from '../stage.ts'
import { bucket as bucketSettings, tables as tableSettings } from '../tables.ts'
import type { Watchable } from './alarms.ts'
import { createBucket } from './bucket.ts'
import { type CdnPolicies, createCdn } from './cdn.ts'
import { metricsNamespace, type Variables } from './environment.ts'
import { createFirewall } from './firewall.ts'
import { createFunction, type FunctionOptions } from './functions.ts'
import { createCapacity } from './managed-instances.ts'
import { migrateDatabase } from './migrations.ts'
import type { Place, Places } from './places.ts'
import { streamStatements } from './policy.ts'
import { createSchedule } from './schedules.ts'
import { createDatabase, createMigrationSource, createSharedSecret } from './secrets.ts'
import { createFailures, createStream } from './stream.ts'
import { createTables } from './tables.ts'

/** What units and router have in common. */
export interface Shared {
  settings: Settings
  places: Places
  wallet: $util.Output<string>
  cdnPolicies: CdnPolicies
  /** Of a region, where there is one (secrets.ts). */
  keyOf(place: Place): aws.kms.Key | undefined
  /** Changed before the units: a secret that the units no longer accept is no longer used by the router. */
  router: $util.Output<aws.lambda.Function> | undefined
  /** Where there is a router. */
  placements: { arn: $util.Output<string>; variables: Variables; secret: $util.Output<string> } | undefined
}

export interface Unit {
  place: Place
  /** Where clients find it. */
  url: $util.Output<string>
  /** What its functions are told, without secrets: what an operator's command needs to know. */
  variables: Variables
  /** CloudFront's id of its CDN. */
  distribution: $util.Output<string>
  /** What an operator calls to bring in what a Rust unit has. */
  mig: $util.Output<string>
  watchable: Watchable
  alarms: typeof unitAlarms
}

export function createUnit(place: Place, shared: Shared): Unit {
  const { settings, places, wallet, cdnPolicies, placements } = shared
  const { region, suffix } = place
  const { domains, kept } = settings
  const tables = createTables(place, tableSettings, { settings })
  const bucket = createBucket(place, kept)
  const failures = createFailures(place)
  const secret = createSharedSecret(`CdnSecret${suffix}`, settings)
  const database =
    settings.database === 'none' ? undefined : createDatabase(place, settings.database === 'with replica')
  const domain = domains.units?.[region]

  const variables: Variables = {
    ...settings.variables,
    METRICS_NAMESPACE: metricsNamespace(),
    ...variablesOf(tables, tableSettings),
    [bucketSettings.variable]: bucket.name,
    // Without a name of its own it cannot know its address: that is CloudFront's, which is made after the function.
    ...(domain !== undefined && { URL: `https://${domain}` }),
    ...placements?.variables,
  }
  const secrets: Variables = {
    SU_WALLET: wallet,
    CDN_SECRET: secret.believed,
    ...(placements && { ROUTER_SECRET: placements.secret }),
    ...(database && { DATABASE_URL: database.url }),
    ...(database?.readUrl && { DATABASE_READ_URL: database.readUrl }),
    ...(settings.migrationSource && { MIGRATION_SOURCE_URL: createMigrationSource(place) }),
  }
  const common: FunctionOptions = {
    place,
    settings,
    known: variables,
    secrets,
    key: shared.keyOf(place),
    grantable: {
      tables: { ...arnsOf(tables), ...(placements && { placements: placements.arn }) },
      bucket: bucket.arn,
    },
  }
  // The database is up to date before any function of the unit is changed: where it cannot be, all of them stay as they are.
  const migrations = database && migrateDatabase(database, common)
  const afterwards = { ...common, dependsOn: [migrations, shared.router].filter((one) => one !== undefined) }

  const network = settings.managedInstances[region]
  const su = createFunction('su', {
    ...afterwards,
    capacity: network && !$dev ? createCapacity(place, network) : undefined,
  })
  const relay = createFunction('relay', {
    ...afterwards,
    statements: streamStatements(tables.heads.nodes.table.streamArn, failures.arn),
  })
  const packer = createFunction('packer', {
    ...afterwards,
    statements: streamStatements(tables.heads.nodes.table.streamArn, failures.arn),
  })
  const reconciler = createFunction('reconciler', afterwards)
  const height = createFunction('height', afterwards)
  const mig = createFunction('mig', { ...afterwards, network: settings.migrationNetwork[region] })

  for (const name of ['relay', 'packer'] as const) {
    const { trigger } = unitFunctions[name]
    const reader = { name, function: { relay, packer }[name].function }
    createStream({ place, table: tables[trigger.table], failures, reader, trigger })
  }
  createSchedule(place, 'reconciler', reconciler.function, unitFunctions.reconciler.trigger)
  createSchedule(place, 'height', height.function, unitFunctions.height.trigger)

  const firewall = settings.firewall && createFirewall(`su-${region}`, places.edge, settings.firewall)
  const cdn = createCdn(`SuCdn${suffix}`, {
    comment: `The scheduler unit of ${$app.name}/${$app.stage} in ${region}`,
    origin: su.function,
    timeout: unitFunctions.su.timeout,
    domain,
    certificate: domains.certificate,
    secret,
    policies: cdnPolicies,
    firewall,
  })
  const url = domain === undefined ? cdn.url : $util.output(`https://${domain}`)
  return {
    place,
    url,
    variables: { ...variables, URL: url, AWS_REGION: region },
    distribution: cdn.nodes.distribution.id,
    mig: mig.function.name,
    watchable: { functions: { su, relay, packer, reconciler, height, mig }, tables, failures, cdn, firewall },
    alarms: unitAlarms,
  }
}

/** The tables' names under the variables by which functions learn them. */
export const variablesOf = <Name extends string>(
  tables: Readonly<Record<Name, sst.aws.Dynamo>>,
  settings: Readonly<Record<Name, { variable: string }>>,
): Variables =>
  Object.fromEntries((Object.keys(tables) as Name[]).map((name) => [settings[name].variable, tables[name].name]))

export const arnsOf = (tables: Readonly<Record<string, sst.aws.Dynamo>>): Record<string, $util.Output<string>> =>
  Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.arn]))
