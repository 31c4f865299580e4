/** The settings of a deployment (infra/settings.ts), their defaults, and the mistakes that are refused. */
import type { RouterTableName, TableName } from './tables.ts'

/** As AWS writes it: `us-east-1`. */
export type Region = `${string}-${string}-${number}`

/** A place in a network of the operator's own. */
export interface Network {
  subnets: readonly string[]
  securityGroups: readonly string[]
}

export interface Domains {
  /** The router's name. Where it is given there is a router, and Scheduler-Location should name it. */
  router?: string
  /** Each unit's name. Placements keep it for ever, so a router needs one for each. */
  units?: Readonly<Record<Region, string>>
  /** ARN of a certificate in us-east-1 that has all these names. Without it names and certificates are made in Route 53. */
  certificate?: string
}

/** Requests within a minute; further ones are answered with 429 and Retry-After. */
export interface Firewall {
  /** From one address. All users of a messenger unit come from its one address. */
  perAddress: number
  /** About one process, whoever asks. */
  perProcess: number
  /** Addresses or ranges (`192.0.2.0/24`, `2001:db8::/32`) that no limit holds for. */
  exempt: readonly string[]
}

/** Of an on-demand table, units a second. It is paid for once, and never falls. */
export interface WarmThroughput {
  reads: number
  writes: number
}

export interface Settings {
  /** Each has a unit, a whole stack of its own. The first is the home region, with the router and the table of placements. */
  regions: readonly [Region, ...Region[]]
  domains: Domains
  /**
   * Whether the data outlives the stage: tables and bucket stay where they are when the stage is removed, tables have point-in-time
   * recovery, the bucket keeps old versions and is never emptied. It stays true for the life of the stage: without it a deploy turns
   * recovery off, and a removal deletes the log.
   */
  kept: boolean
  /** Whether a kept stage may be removed now: nothing is protected from deletion any more, and all data still stays. */
  removable: boolean
  /**
   * Tables that exist already, by region and by their names in infra/tables.ts, in place of those that the stack makes: what came back
   * from a backup (docs/restore.md). The stack uses them and never changes them.
   */
  existingTables: Readonly<Record<Region, Partial<Readonly<Record<TableName | RouterTableName, string>>>>>
  /** Throughput that tables have before any traffic, where a new table's is too little (docs/deploy.md, "Quotas"). */
  warmThroughput: Partial<Readonly<Record<TableName | RouterTableName, WarmThroughput>>>
  /** Variables of the functions (docs/configuration.md). Each function gets those that it reads; what the stack itself knows it sets. */
  variables: Readonly<Record<string, string>>
  /** Whether each region has a Postgres for metadata (a secret DatabaseUrl…), and a replica of it to read from (DatabaseReadUrl…). */
  database: 'none' | 'one' | 'with replica'
  /** The router's list of units as JSON, where it is to say more than the units' addresses. */
  schedulerList: string | undefined
  /** None: nothing but the account's own limits stops a flood. */
  firewall: Firewall | undefined
  /** Whether there are alarms, and a dashboard. */
  alarms: boolean
  /** The mail address that alarms go to; AWS asks it for confirmation first. Without it each deploy warns. */
  alarmsTo: string | undefined
  /** Dollars a month for the whole account, at which that address is told. */
  budget: number | undefined
  /**
   * Whether each function has its own share of the account's concurrency, as infra/functions.ts says, so that a flood of requests
   * leaves the relay what it needs. A new account has too little: a deploy refuses before it makes anything, and says what to raise.
   */
  reserveConcurrency: boolean
  /** Regions whose unit runs on Lambda Managed Instances, and the network for these. In the others it is plain Lambda. */
  managedInstances: Readonly<Record<Region, Network>>
  /** Whether a secret MigrationSourceUrl… says where the Rust unit's Postgres is that `mig` moves in (docs/migration.md). */
  migrationSource: boolean
  /** Regions whose `mig` reaches a database that is not on the internet, and the network for it. Elsewhere it is outside. */
  migrationNetwork: Readonly<Record<Region, Network>>
  /** How long logs are kept, days. */
  logDays: 1 | 3 | 5 | 7 | 14 | 30 | 60 | 90 | 180 | 365
  /** Add one to give CDN and router new secrets. */
  secretsGeneration: number
  /** Whether the functions accept the secrets of the generation before as well: for the first deploy of two that change them. */
  secretsTransition: boolean
}

export type Choices = Partial<Settings>

const disposable: Settings = {
  regions: ['us-east-1'],
  domains: {},
  kept: false,
  removable: false,
  existingTables: {},
  warmThroughput: {},
  variables: {},
  database: 'one',
  schedulerList: undefined,
  firewall: undefined,
  alarms: false,
  alarmsTo: undefined,
  budget: undefined,
  reserveConcurrency: false,
  managedInstances: {},
  migrationSource: false,
  migrationNetwork: {},
  logDays: 7,
  secretsGeneration: 1,
  secretsTransition: false,
}

/** What every stage has, and what some have instead of it. */
export interface AllChoices {
  everywhere: Choices
  stages: Readonly<Record<string, Choices>>
}

/** A stage that is named nowhere is somebody's own: cheap, and gone without a trace when it is removed. Fails with a sentence. */
export function settingsOf(stage: string, { everywhere, stages }: AllChoices): Settings {
  const own = stages[stage] ?? {}
  const settings = {
    ...disposable,
    ...everywhere,
    ...own,
    variables: { ...everywhere.variables, ...own.variables },
  }
  const [mistake] = mistakesOf(settings)
  if (mistake !== undefined) throw new Error(`The settings of the stage "${stage}" (infra/settings.ts): ${mistake}`)
  return settings
}

/** Whether the stage and its data can be deleted by no mistake. */
export const isProtected = ({ kept, removable }: Pick<Settings, 'kept' | 'removable'>): boolean => kept && !removable

/** What a new on-demand table has by itself, units a second. */
const NEW_TABLE: WarmThroughput = { reads: 12_000, writes: 4_000 }

function* mistakesOf({ regions, domains, firewall, budget, alarmsTo, ...rest }: Settings) {
  const { router, units = {} } = domains
  if (new Set(regions).size !== regions.length) yield 'a region is named twice.'
  if (regions.length > 1 && router === undefined) {
    yield 'several regions need a router: give it a name (domains.router), and each unit one (domains.units).'
  }
  for (const region of regions) {
    if (router !== undefined && units[region] === undefined) {
      yield `the unit in ${region} needs a name (domains.units): placements keep the units' addresses for ever.`
    }
  }
  const names = [router, ...Object.values(units)].filter((name) => name !== undefined)
  if (new Set(names).size !== names.length) yield 'a domain is named twice.'
  for (const name of names) if (!/^[a-z\d-]+(\.[a-z\d-]+)+$/.test(name)) yield `"${name}" is no name of a host.`
  const named = [units, rest.managedInstances, rest.migrationNetwork, rest.existingTables].flatMap(Object.keys)
  for (const region of named) {
    if (!regions.some((own) => own === region)) yield `${region} is not among the regions.`
  }
  for (const limit of [firewall?.perAddress, firewall?.perProcess]) {
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 10))
      yield 'a limit of the firewall is a whole number, 10 or more.'
  }
  for (const range of firewall?.exempt ?? []) {
    if (!/^[\da-f.:]+(\/\d{1,3})?$/i.test(range)) yield `"${range}" is neither an address nor a range of them.`
  }
  if (budget !== undefined && alarmsTo === undefined) yield 'a budget needs somebody to be told (alarmsTo).'
  if (!(Number.isInteger(rest.secretsGeneration) && rest.secretsGeneration >= 1)) {
    yield 'secretsGeneration is a whole number, 1 or more.'
  }
  if (rest.secretsTransition && rest.secretsGeneration === 1) {
    yield 'secretsTransition is for a change of the secrets: raise secretsGeneration with it.'
  }
  if (!rest.kept && Object.keys(rest.existingTables).length > 0) {
    yield 'existingTables need a kept stage: the tables that they replace would be deleted.'
  }
  for (const [table, { reads, writes }] of Object.entries(rest.warmThroughput)) {
    if (
      !(Number.isInteger(reads) && Number.isInteger(writes) && reads >= NEW_TABLE.reads && writes >= NEW_TABLE.writes)
    )
      yield `warmThroughput of ${table} is less than a new table has: ${NEW_TABLE.reads} reads and ${NEW_TABLE.writes} writes a second.`
  }
}
