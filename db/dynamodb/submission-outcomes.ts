/** What became of submissions, as rows of the ids table say it: the item's own row, and that of a deep hash which it claims. */
import { marshall } from '@aws-sdk/util-dynamodb'
import type { Standing } from '../../core/ports/log-store.ts'
import type { Submission } from '../../core/ports/submission-queue.ts'
import type { Attributes } from './head-row.ts'
import { deepHashAt, itemKey, scheduled, toDeepHash } from './id-row.ts'

/** Keys of the rows that say what became of these, each once. */
export function idKeys(process: string, submissions: readonly Submission[]): Attributes[] {
  const keys = submissions.flatMap(({ entry }) => [
    itemKey(process, entry),
    ...(entry.deepHash?.claimed ? [deepHashAt(process, entry.deepHash.hash)] : []),
  ])
  return [...new Map(keys.map((key) => [`${key.id} ${key.at}`, marshall(key)])).values()]
}

export function toOutcomes(
  process: string,
  submissions: readonly Submission[],
  rows: readonly Attributes[],
): Map<string, Standing> {
  const byKey = new Map(rows.map((row) => [`${row.id?.S} ${row.at?.S}`, row]))
  return new Map(
    submissions.flatMap(({ id, entry }): [string, Standing][] => {
      const item = itemKey(process, entry)
      const own = byKey.get(`${item.id} ${item.at}`)
      if (own) return [[id, scheduled(own)]]
      const hash = entry.deepHash?.claimed ? deepHashAt(process, entry.deepHash.hash) : undefined
      const known = hash && byKey.get(`${hash.id} ${hash.at}`)
      const standing = known && toDeepHash(known)
      // Of the item itself: its own row, which says by whose submission it came, is seen a moment later.
      const isOwn = standing?.owner?.kind === entry.kind && standing.owner.id === entry.id
      return standing && !isOwn ? [[id, standing]] : []
    }),
  )
}
