/**
 * The tables, by infra/tables.ts: billed on demand, and in kept stages with a backup of every second of the last 35 days. A table that
 * exists already is used as it is: preflight.ts looks whether it has all that a table of ours has.
 */
import { isProtected, type Settings } from '../stage.ts'
import type { RouterTableName, TableName, TableSettings } from '../tables.ts'
import { logicalOf } from './names.ts'
import type { Place } from './places.ts'

export type Tables<Name extends string> = Readonly<Record<Name, sst.aws.Dynamo>>

export interface TableOptions {
  settings: Settings
  /** Where there are replicas. */
  replicas?: readonly Place[]
}

export const createTables = <Name extends TableName | RouterTableName>(
  place: Place,
  tables: Readonly<Record<Name, TableSettings>>,
  options: TableOptions,
): Tables<Name> =>
  Object.fromEntries(
    (Object.keys(tables) as Name[]).map((name) => [name, createTable(place, name, tables[name], options)]),
  ) as Tables<Name>

function createTable(
  place: Place,
  name: TableName | RouterTableName,
  table: TableSettings,
  { settings, replicas = [] }: TableOptions,
): sst.aws.Dynamo {
  const logical = `${logicalOf(name)}${place.suffix}`
  const existing = settings.existingTables[place.region]?.[name]
  const made =
    existing === undefined
      ? createNewTable(place, logical, table, { settings, warm: settings.warmThroughput[name], replicas })
      : sst.aws.Dynamo.get(logical, existing, place.options)
  for (const replica of replicas) createReplica(made, `${logicalOf(name)}Replica${replica.suffix}`, replica, settings)
  return made
}

function createNewTable(
  { options }: Place,
  logical: string,
  { hashKey, rangeKey, stream, expiry }: TableSettings,
  {
    settings,
    warm,
    replicas,
  }: { settings: Settings; warm: Settings['warmThroughput'][TableName]; replicas: readonly Place[] },
): sst.aws.Dynamo {
  const fields = Object.fromEntries(
    [hashKey, rangeKey].flatMap((key) => (key === undefined ? [] : [[key, 'string' as const]])),
  )
  return new sst.aws.Dynamo(
    logical,
    {
      fields,
      primaryIndex: { hashKey, ...(rangeKey && { rangeKey }) },
      ...(stream === 'NEW_IMAGE' && { stream: 'new-image' as const }),
      ...(expiry && { ttl: expiry }),
      deletionProtection: isProtected(settings),
      transform: {
        table: (args, opts) => {
          args.pointInTimeRecovery = { enabled: settings.kept }
          // AWS raises it with the traffic, and for the provider a setting below what is there is a reason to replace the table.
          opts.ignoreChanges = ['warmThroughput']
          if (warm) args.warmThroughput = { readUnitsPerSecond: warm.reads, writeUnitsPerSecond: warm.writes }
          if (replicas.length === 0) return
          // What carries changes to the replicas.
          args.streamEnabled = true
          args.streamViewType = 'NEW_AND_OLD_IMAGES'
          // They are resources of their own: the table would take them for a mistake.
          opts.ignoreChanges.push('replicas')
        },
      },
    },
    options,
  )
}

const createReplica = (table: sst.aws.Dynamo, logical: string, { options }: Place, settings: Settings) =>
  new aws.dynamodb.TableReplica(
    logical,
    {
      globalTableArn: table.arn,
      deletionProtectionEnabled: isProtected(settings),
      pointInTimeRecovery: settings.kept,
    },
    { ...options, retainOnDelete: settings.kept },
  )
