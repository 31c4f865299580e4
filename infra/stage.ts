/** What an operator may choose of a deployment (infra/settings.ts), and what follows where nothing was chosen. */

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

export interface Settings {
  /** Each has a unit, a whole stack of its own. The first is the home region, with the router and the table of placements. */
  regions: readonly [Region, ...Region[]]
  domains: Domains
  /**
   * Whether the data must outlive mistakes: tables and bucket cannot be deleted, have backups and old versions, and stay where they
   * are when the stage is removed.
   */
  kept: boolean
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
  /** The mail address that alarms go to; AWS asks it first whether it wants them. */
  alarmsTo: string | undefined
  /** Dollars a month for the whole account, at which that address is told. */
  budget: number | undefined
  /**
   * Whether concurrency is set aside for the functions as infra/functions.ts says. A new account has too little for that: raise it
   * first (docs/deploy.md).
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
  /** Add one to give CDN and router new secrets; the functions take the one before as well. */
  secretsGeneration: number
}

export type Choices = Partial<Settings>

const disposable: Settings = {
  regions: ['us-east-1'],
  domains: {},
  kept: false,
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
  const named = [units, rest.managedInstances, rest.migrationNetwork].flatMap(Object.keys)
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
}
