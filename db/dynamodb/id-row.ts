/**
 * Rows of the ids table: where an id stands in the log. They are what refuses an item a second time, and what finds it by
 * its id. Partition key: the id of an item, a transaction or an assignment (43 characters) or a deep hash (64); sort key:
 * in which way and in which process it is there.
 */
import type { Put, TransactWriteItem, Update } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { Place } from '../../core/errors.ts'
import type { NamedNonce } from '../../core/ports/log-restore.ts'
import type { Finding, ItemName, Link, Standing } from '../../core/ports/log-store.ts'
import type { Attributes } from './head-row.ts'

type Way = Finding['kind'] | 'deep-hash'

interface IdRow {
  id: string
  at: string
  nonce: number
  time: number
  /** Id of the assignment, 32 bytes; not in an assignment's own row. */
  by?: Uint8Array
  /** The submission by which it came (a UUID's 16 bytes), and whether its instance is the next leader. */
  offer?: Uint8Array
  successor?: true
  /** Of a deep hash: the item that has it, `nonce#way#id`. It counts only with the row's own nonce. */
  owner?: string
}

/** Bytes of a row at most. */
export const ID_ROW_BYTES = 320

const keyOf = (id: string, way: Way, process: string) => ({ id, at: `${way}#${process}` })

const wayOf = (kind: ItemName['kind']) => (kind === 'message' ? 'posted' : 'assigned')

const ownerOf = ({ nonce, kind, id }: ItemName & { nonce: number }): string => `${nonce}#${wayOf(kind)}#${id}`

const rowOf = (link: Pick<Link, 'nonce' | 'timestamp' | 'assignmentId'>) => ({
  nonce: link.nonce,
  time: link.timestamp,
  by: Buffer.from(link.assignmentId, 'base64url'),
})

/** The key of an item's or transaction's row: one of a kind for each process. */
export const itemKey = (process: string, { kind, id }: ItemName) => keyOf(id, wayOf(kind), process)

export function itemRow(table: string, process: string, link: Link): TransactWriteItem {
  const row = {
    ...itemKey(process, link),
    ...rowOf(link),
    ...(link.submission !== undefined && { offer: Buffer.from(link.submission.replaceAll('-', ''), 'hex') }),
    ...(link.successor && { successor: true }),
  }
  return { Put: { ...once, TableName: table, Item: marshall(row) } }
}

export function assignmentRow(
  table: string,
  process: string,
  { assignmentId, nonce, timestamp }: Pick<Link, 'assignmentId' | 'nonce' | 'timestamp'>,
): TransactWriteItem {
  const Item = marshall({ ...keyOf(assignmentId, 'assignment', process), nonce, time: timestamp })
  return { Put: { TableName: table, Item } }
}

/**
 * The row of a deep hash. One that is not claimed is kept all the same (the first place), for when the check is turned on. The
 * row names its item: reads of several rows may see one of them before another, so whose hash it is cannot be concluded from
 * whether the item's row is there.
 */
export function deepHashRow(table: string, process: string, link: Link): TransactWriteItem | undefined {
  if (!link.deepHash) return undefined
  const key = keyOf(link.deepHash.hash, 'deep-hash', process)
  const row = { ...rowOf(link), owner: ownerOf(link) }
  if (link.deepHash.claimed) return { Put: { ...once, TableName: table, Item: marshall({ ...key, ...row }) } }
  return {
    Update: {
      TableName: table,
      Key: marshall(key),
      // A row of another nonce that names no item must not get this one's name: hence the nonce beside the name.
      UpdateExpression:
        'SET nonce = if_not_exists(nonce, :nonce), #time = if_not_exists(#time, :time), #by = if_not_exists(#by, :by), #owner = if_not_exists(#owner, :owner)',
      ExpressionAttributeNames: { '#time': 'time', '#by': 'by', '#owner': 'owner' },
      ExpressionAttributeValues: marshall({
        ':nonce': row.nonce,
        ':time': row.time,
        ':by': row.by,
        ':owner': row.owner,
      }),
    } satisfies Update,
  }
}

const once = {
  ConditionExpression: 'attribute_not_exists(id)',
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
} satisfies Partial<Put>

/** What an imported record is found by: an item or a transaction, an assignment, a deep hash. A process is found by its head. */
export interface Imported extends Pick<Link, 'id' | 'nonce' | 'timestamp' | 'assignmentId'> {
  process: string
  kind: Link['kind'] | 'process'
  deepHash?: string
}

/** All rows of an imported record, as a commit would have written them. */
export function importedRows({ process, kind, id, assignmentId, deepHash, ...place }: Imported): Attributes[] {
  const row = rowOf({ ...place, assignmentId })
  const rows = [marshall({ ...keyOf(assignmentId, 'assignment', process), nonce: row.nonce, time: row.time })]
  if (kind === 'message') rows.push(marshall({ ...keyOf(id, 'posted', process), ...row }))
  if (kind === 'transaction') rows.push(marshall({ ...keyOf(id, 'assigned', process), ...row }))
  if (deepHash !== undefined && kind !== 'process') {
    const owner = ownerOf({ nonce: row.nonce, kind, id })
    rows.push(marshall({ ...keyOf(deepHash, 'deep-hash', process), ...row, owner }))
  }
  return rows
}

/** The key of a deep hash's row. */
export const deepHashAt = (process: string, hash: string) => keyOf(hash, 'deep-hash', process)

export const deepHashKey = (process: string, hash: string): Attributes => marshall(deepHashAt(process, hash))

export const assignmentKey = (process: string, id: string): Attributes => marshall(keyOf(id, 'assignment', process))

/** The nonce that a row names; undefined for one that names none (the log's own). */
export function namedNonce({ at, nonce }: Attributes): NamedNonce | undefined {
  const [way, process] = (at?.S ?? '').split('#')
  if (process === undefined || nonce?.N === undefined) return undefined
  return { process, nonce: Number(nonce.N), assignment: way === 'assignment' }
}

export function toPlace(attributes: Attributes): Place {
  const row = unmarshall(attributes) as IdRow
  return {
    assignment: row.by ? Buffer.from(row.by).toString('base64url') : row.id,
    nonce: row.nonce,
    timestamp: row.time,
  }
}

/** The item that has a deep hash; undefined where its row was written before rows named theirs. */
function toOwner(attributes: Attributes): ItemName | undefined {
  const { owner = '', nonce } = unmarshall(attributes) as IdRow
  const [at, way, id] = owner.split('#')
  if (id === undefined || Number(at) !== nonce) return undefined
  return { kind: way === 'posted' ? 'message' : 'transaction', id }
}

/** What a deep hash's row says. */
export function toDeepHash(attributes: Attributes): Extract<Standing, { kind: 'deep-hash' }> {
  const owner = toOwner(attributes)
  return { kind: 'deep-hash', place: toPlace(attributes), ...(owner && { owner }) }
}

/** Undefined for a row that is no finding (a deep hash). */
export function toFinding(attributes: Attributes): Finding | undefined {
  const [way, process] = (attributes.at?.S ?? '').split('#')
  if (process === undefined || (way !== 'posted' && way !== 'assigned' && way !== 'assignment')) return undefined
  return { process, kind: way, place: toPlace(attributes), ...submissionOf(attributes) }
}

function submissionOf(attributes: Attributes): Pick<Finding, 'submission' | 'successor'> {
  const { offer, successor } = unmarshall(attributes) as IdRow
  if (!offer) return {}
  const hex = Buffer.from(offer).toString('hex')
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  return { submission: uuid, ...(successor && { successor }) }
}

/** What an item's row says. */
export const scheduled = (attributes: Attributes): Standing => ({
  kind: 'scheduled',
  place: toPlace(attributes),
  ...submissionOf(attributes),
})
