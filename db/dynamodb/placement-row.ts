/** Rows of the placements table: one a process, and beside them what is counted and which units are dead. */
import { hash } from 'node:crypto'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { Placement } from '../../core/ports/placement-store.ts'
import type { Attributes } from './head-row.ts'

/** How many counter rows there are. Changing it needs the counts moved. */
export const COUNTERS = 16

/** An id has 43 characters of base64url, and base64url has no `~`: no process has these keys. */
export const placementKey = (process: string): Attributes => ({ process: { S: process } })
export const counterKey = (shard: number): Attributes => ({ process: { S: `~count/${shard}` } })
export const deadKey = (unit: string): Attributes => ({ process: { S: `~dead/${unit}` } })

/** The counter row in which a process is counted, always the same one. */
export const shardOf = (process: string): number => (hash('sha256', process, 'buffer')[0] ?? 0) % COUNTERS

export const toPlacementRow = ({ process, unit, state, refusedBy, version, at }: Placement): Attributes =>
  marshall({ process, unit, state, refusedBy, version, at })

export function fromPlacementRow(row: Attributes): Placement {
  const { process, unit, state, refusedBy, version, at } = unmarshall(row) as Placement
  return { process, unit, state, refusedBy, version, at }
}

/** Each attribute of a counter row but its key is a unit's address with a number. */
export function fromCounterRow({ process: _, ...counts }: Attributes): [unit: string, processes: number][] {
  return Object.entries(counts).map(([unit, { N }]) => [unit, Number(N ?? 0)])
}
