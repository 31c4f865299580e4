/** The tables, by infra/tables.ts: billed on demand, and kept stages' with backups of every second of the last 35 days. */
import type { TableSettings } from '../tables.ts'
import { logicalOf } from './names.ts'
import type { Place } from './places.ts'

export type Tables<Name extends string> = Readonly<Record<Name, sst.aws.Dynamo>>

export interface TableOptions {
  /** infra/stage.ts */
  kept: boolean
  /** Where there are replicas. */
  replicas?: readonly Place[]
}

export const createTables = <Name extends string>(
  place: Place,
  settings: Readonly<Record<Name, TableSettings>>,
  options: TableOptions,
): Tables<Name> =>
  Object.fromEntries(
    Object.entries<TableSettings>(settings).map(([name, table]) => [name, createTable(place, name, table, options)]),
  ) as Tables<Name>

function createTable(
  { suffix, options }: Place,
  name: string,
  { hashKey, rangeKey, stream, expiry }: TableSettings,
  { kept, replicas = [] }: TableOptions,
): sst.aws.Dynamo {
  const logical = `${logicalOf(name)}${suffix}`
  const fields = Object.fromEntries(
    [hashKey, rangeKey].flatMap((key) => (key === undefined ? [] : [[key, 'string' as const]])),
  )
  const table = new sst.aws.Dynamo(
    logical,
    {
      fields,
      primaryIndex: { hashKey, ...(rangeKey && { rangeKey }) },
      ...(stream === 'NEW_IMAGE' && { stream: 'new-image' as const }),
      ...(expiry && { ttl: expiry }),
      deletionProtection: kept,
      transform: {
        table: (args, opts) => {
          args.pointInTimeRecovery = { enabled: kept }
          if (replicas.length === 0) return
          // What carries changes to the replicas.
          args.streamEnabled = true
          args.streamViewType = 'NEW_AND_OLD_IMAGES'
          // They are resources of their own: the table would take them for a mistake.
          opts.ignoreChanges = ['replicas']
        },
      },
    },
    options,
  )
  for (const replica of replicas) createReplica(table, `${logicalOf(name)}Replica${replica.suffix}`, replica, kept)
  return table
}

const createReplica = (table: sst.aws.Dynamo, logical: string, { options }: Place, kept: boolean) =>
  new aws.dynamodb.TableReplica(
    logical,
    { globalTableArn: table.arn, deletionProtectionEnabled: kept, pointInTimeRecovery: kept },
    { ...options, retainOnDelete: kept },
  )
