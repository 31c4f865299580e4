/** What became of offers, as rows of the ids table say it: the item's own row, and that of a deep hash which it claims. */
import { marshall } from '@aws-sdk/util-dynamodb'
import type { Offer, OfferOutcome } from '../../core/ports/mailbox.ts'
import type { Attributes } from './head-row.ts'
import { deepHashAt, itemKey, toOutcome, toPlace } from './id-row.ts'

/** Keys of the rows that say what became of these, each once. */
export function idKeys(process: string, offers: readonly Offer[]): Attributes[] {
  const keys = offers.flatMap(({ entry }) => [
    itemKey(process, entry),
    ...(entry.deepHash?.claimed ? [deepHashAt(process, entry.deepHash.hash)] : []),
  ])
  return [...new Map(keys.map((key) => [`${key.id} ${key.at}`, marshall(key)])).values()]
}

export function toOutcomes(
  process: string,
  offers: readonly Offer[],
  rows: readonly Attributes[],
): Map<string, OfferOutcome> {
  const byKey = new Map(rows.map((row) => [`${row.id?.S} ${row.at?.S}`, row]))
  return new Map(
    offers.flatMap(({ id, entry }): [string, OfferOutcome][] => {
      const item = itemKey(process, entry)
      const scheduled = byKey.get(`${item.id} ${item.at}`)
      if (scheduled) return [[id, toOutcome(scheduled)]]
      const hash = entry.deepHash?.claimed ? deepHashAt(process, entry.deepHash.hash) : undefined
      const known = hash && byKey.get(`${hash.id} ${hash.at}`)
      return known ? [[id, { kind: 'deep-hash', place: toPlace(known) }]] : []
    }),
  )
}
