/**
 * What a cancelled transaction says: pure functions of all its cancellation reasons. DynamoDB gives one reason a row, in the
 * order of the rows, and each row is judged by its own node. So every combination of codes occurs, and a row without an error
 * says nothing of its neighbours.
 */
import type { CancellationReason } from '@aws-sdk/client-dynamodb'
import type { CommitOutcome, Link, SpawnOutcome, Standing } from '../../core/ports/log-store.ts'
import { fromHeadRow } from './head-row.ts'
import { scheduled, toDeepHash } from './id-row.ts'

type Reason = CancellationReason | undefined
type Judged = Pick<Link, 'kind' | 'id' | 'deepHash'>

const isRefused = (reason: Reason): boolean => reason?.Code === 'ConditionalCheckFailed'

/** DynamoDB's name for a row that it takes in no circumstances. */
const INVALID = 'ValidationError'

/**
 * The outcome of a cancelled commit.
 * @param reasons of the head, then of each link: record, item, assignment and, where it has one, deep hash
 * Throws where the tables contradict each other, and where a row is invalid.
 */
export function commitOutcome(reasons: readonly CancellationReason[], links: readonly Judged[]): CommitOutcome {
  const [atHead] = reasons
  const moved = isRefused(atHead)
  const head = moved && atHead?.Item ? { head: fromHeadRow(atHead.Item) } : {}
  const refusals = new Map<number, Standing>()
  const records: Reason[] = []
  let position = 1
  for (const [index, link] of links.entries()) {
    const [record, item, , deepHash] = reasons.slice(position, position + (link.deepHash ? 4 : 3))
    position += link.deepHash ? 4 : 3
    records.push(record)
    const standing = standingOf(link, item, deepHash)
    if (standing) refusals.set(index, standing)
  }
  if (refusals.size > 0) return { kind: 'refused', refusals, ...head }
  if (moved) return { kind: 'head-moved', ...head }
  refuseInconsistency(reasons, records)
  return { kind: 'busy' }
}

/**
 * The outcome of a cancelled spawn.
 * @param reasons of the head, the record and, where there is one, the assignment
 * Throws as `commitOutcome` does.
 */
export function spawnOutcome(reasons: readonly CancellationReason[]): SpawnOutcome {
  const [atHead, record] = reasons
  if (isRefused(atHead)) return { kind: 'exists', ...(atHead?.Item && { head: fromHeadRow(atHead.Item) }) }
  refuseInconsistency(reasons, [record])
  return { kind: 'busy' }
}

/** The item comes before its deep hash: a repeated request must hear of the former. */
function standingOf({ kind, id }: Judged, item: Reason, deepHash: Reason): Standing | undefined {
  if (isRefused(item) && item?.Item) return scheduled(item.Item)
  if (!isRefused(deepHash) || !deepHash?.Item) return undefined
  const standing = toDeepHash(deepHash.Item)
  // Its own hash: the item's row is still locked by the transaction that writes both, and says more when it is not.
  return standing.owner?.kind === kind && standing.owner.id === id ? undefined : standing
}

/**
 * A record stands where the head, which was found where it was expected, says that none is: the tables do not belong together
 * (one of them came back from a backup). A head with any other reason was not compared, so nothing follows from it.
 */
function refuseInconsistency(reasons: readonly CancellationReason[], records: readonly Reason[]): void {
  const invalid = reasons.find(({ Code }) => Code === INVALID)
  if (invalid) throw new Error(`Log: DynamoDB rejects a row (${invalid.Message}).`)
  if (reasons[0]?.Code === 'None' && records.some(isRefused)) {
    throw new Error('Log: a record is beyond its head, so the tables do not belong together. Restore them together.')
  }
}
