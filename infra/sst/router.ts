/** The router in the home region, with the table of placements, and what moves a Rust router's into that table. */
import { routerAlarms } from '../alarms.ts'
import { routerFunctions } from '../functions.ts'
import type { Settings } from '../stage.ts'
import { routerTables } from '../tables.ts'
import type { Watchable } from './alarms.ts'
import { createCdn } from './cdn.ts'
import { metricsNamespace, type Variables } from './environment.ts'
import { createFirewall } from './firewall.ts'
import { createFunction, type FunctionOptions } from './functions.ts'
import type { Place, Places } from './places.ts'
import { createSharedSecret } from './secrets.ts'
import { createTables } from './tables.ts'
import { arnsOf, type Shared, variablesOf } from './unit.ts'

/** The table, and what units and router are told of it and of each other. */
export interface Placements {
  table: sst.aws.Dynamo
  arn: $util.Output<string>
  variables: Variables
  /** Who of them may believe whom. */
  secret: $util.Output<string>
}

export function createPlacements(places: Places, settings: Settings): Placements {
  const [, ...elsewhere] = settings.regions
  const tables = createTables(places.home, routerTables, { settings, replicas: elsewhere.map(places.of) })
  return {
    table: tables.placements,
    arn: tables.placements.arn,
    variables: { ...variablesOf(tables, routerTables), PLACEMENTS_REGION: places.home.region },
    secret: createSharedSecret('RouterSecret', settings).believed,
  }
}

export interface Router {
  place: Place
  url: $util.Output<string>
  variables: Variables
  function: $util.Output<aws.lambda.Function>
  /** CloudFront's id of its CDN. */
  distribution: $util.Output<string>
  /** What an operator calls to bring in what a Rust router has placed. */
  migPlacements: $util.Output<string>
  watchable: Watchable
  alarms: typeof routerAlarms
}

export function createRouter(
  domain: string,
  { settings, places, cdnPolicies, keyOf }: Omit<Shared, 'placements' | 'wallet' | 'router'>,
  placements: Placements,
): Router {
  const place = places.home
  const { domains } = settings
  const secret = createSharedSecret('CdnSecretRouter', settings)
  const variables: Variables = {
    ...settings.variables,
    METRICS_NAMESPACE: metricsNamespace(),
    ...placements.variables,
    SCHEDULER_LIST:
      settings.schedulerList ??
      JSON.stringify(settings.regions.map((region) => ({ url: `https://${domains.units?.[region]}` }))),
    URL: `https://${domain}`,
  }
  const common: FunctionOptions = {
    place,
    settings,
    known: variables,
    secrets: { CDN_SECRET: secret.believed, ROUTER_SECRET: placements.secret },
    key: keyOf(place),
    grantable: { tables: arnsOf({ placements: placements.table }) },
  }
  const router = createFunction('router', common)
  const migPlacements = createFunction('migPlacements', {
    ...common,
    network: settings.migrationNetwork[place.region],
  })
  const firewall = settings.firewall && createFirewall('router', places.edge, settings.firewall)
  const cdn = createCdn('RouterCdn', {
    comment: `The router of ${$app.name}/${$app.stage}`,
    origin: router.function,
    timeout: routerFunctions.router.timeout,
    domain,
    certificate: domains.certificate,
    secret,
    policies: cdnPolicies,
    firewall,
  })
  return {
    place,
    url: $util.output(`https://${domain}`),
    variables: { ...variables, AWS_REGION: place.region },
    function: router.function.nodes.function,
    distribution: cdn.nodes.distribution.id,
    migPlacements: migPlacements.function.name,
    watchable: { functions: { router, migPlacements }, tables: { placements: placements.table }, cdn, firewall },
    alarms: routerAlarms,
  }
}
