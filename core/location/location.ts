/** The data item by which clients find a scheduler (contract, "Finding a scheduler"), and when it is time for another one. */
import { randomBytes } from 'node:crypto'
import type { DataItem } from '../ans104/data-item.ts'
import type { Signer } from '../ans104/signer.ts'
import type { SchedulerLocation } from '../ports/location-source.ts'

/** So long clients may go on with what they found: a day after a change nobody asks at the old address any more. */
export const DEFAULT_TTL_MS = 86_400_000

/** @param url scheme, host and port: clients keep no more of it */
export const signLocation = (signer: Signer, { url, ttlMs }: { url: string; ttlMs: number }): Promise<DataItem> =>
  signer.sign({
    // The same words again must be another item.
    anchor: randomBytes(32),
    tags: [
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Scheduler-Location' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Url', value: url },
      { name: 'Time-To-Live', value: String(ttlMs) },
    ],
  })

/** When it is too old to be gone on with, ms; undefined while it waits for its block, or where it does not say how long it lives. */
export const runsOutAt = ({ at, ttlMs }: SchedulerLocation): number | undefined =>
  at === undefined || ttlMs === undefined ? undefined : at + ttlMs

/** Whether it is to be said again: less than half of its time is left, or it does not say how long it lives. */
export function isDue(location: SchedulerLocation, now: number): boolean {
  const { at, ttlMs } = location
  if (ttlMs === undefined) return true
  return at !== undefined && now >= at + ttlMs / 2
}
