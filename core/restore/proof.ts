/** What proves that something was given out: an assignment that the log's wallet signed, and an item that is signed by its owner. */
import { createHash } from 'node:crypto'
import { type DataItem, layOut } from '../ans104/data-item.ts'
import { openSigned, verifiableTypes } from '../ans104/signature.ts'
import { hasCode } from '../errors.ts'
import type { BlobRef } from '../ports/blob-store.ts'
import type { SignedNonce } from '../ports/restore-sources.ts'
import { type AssignmentFields, nextHashChain, readAssignment } from '../protocol/assignment.ts'
import type { RestoredEnd } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'

/** An assignment that our wallet signed for this place, whatever it is chained to. */
export interface ProvenAssignment {
  raw: Buffer
  id: string
  fields: AssignmentFields & { exclude: readonly string[] }
}

/** Undefined where the bytes are no such assignment. */
export async function proveAssignment(
  { wallet }: Pick<RestoreDeps, 'wallet'>,
  raw: Buffer,
  { process, nonce }: { process: string; nonce: number },
): Promise<ProvenAssignment | undefined> {
  try {
    if (!layOut(raw).owner.equals(wallet.owner)) return undefined
    const item = await openSigned(raw, { types: [1] })
    const fields = readAssignment(item.tags)
    return fields.process === process && fields.nonce === nonce ? { raw, id: item.id, fields } : undefined
  } catch (error) {
    if (hasCode(error, 'invalid-item')) return undefined
    throw error
  }
}

/** What there is for a nonce, after this end. */
export type FoundAssignment =
  | { kind: 'found'; assignment: ProvenAssignment }
  /** Nobody has anything. */
  | { kind: 'nothing' }
  /** Somebody has seen one; the sentence says why it is of no use, and goes on after the nonce. */
  | { kind: 'unusable'; what: string }

export async function findAssignment(
  deps: Pick<RestoreDeps, 'wallet'>,
  end: RestoredEnd,
  candidates: readonly SignedNonce[],
): Promise<FoundAssignment> {
  const { process, next: nonce } = end
  const proven = new Map<string, ProvenAssignment>()
  let seen = false
  for (const { raw } of candidates) {
    const assignment = raw && (await proveAssignment(deps, raw, { process, nonce }))
    if (assignment) proven.set(assignment.id, assignment)
    // Bytes that prove nothing are nobody's assignment; without bytes it may be ours.
    seen ||= raw === undefined
  }
  const chain = nextHashChain(end)
  const [assignment, twin] = [...proven.values()].filter(({ fields }) => fields.hashChain.equals(chain))
  if (twin) return { kind: 'unusable', what: `was given out twice: ${[...proven.keys()].join(' and ')}` }
  if (assignment) return { kind: 'found', assignment }
  if (proven.size > 0) return { kind: 'unusable', what: 'does not go on from the one before' }
  return seen ? { kind: 'unusable', what: 'was uploaded, and its bytes cannot be had' } : { kind: 'nothing' }
}

/** An item whose bytes its owner has signed. */
export interface ProvenItem {
  item: DataItem
  ref: BlobRef
}

export type FoundItem = ProvenItem | 'nothing' | 'several'

/** `several`: bodies that differ and are signed alike, of which only the log could say which one it took. */
export async function findItem({ bodies }: Pick<RestoreDeps, 'bodies'>, id: string): Promise<FoundItem> {
  const proven = new Map<string, ProvenItem>()
  for (const source of bodies) {
    for (const raw of await source.bodies(id)) {
      const item = await proveItem(raw, id)
      if (!item) continue
      const sha256 = createHash('sha256').update(raw).digest()
      proven.set(sha256.toString('hex'), { item, ref: { id, sha256, bytes: raw.length } })
    }
    if (proven.size > 0) break
  }
  const [item, other] = proven.values()
  return other ? 'several' : (item ?? 'nothing')
}

async function proveItem(raw: Buffer, id: string): Promise<DataItem | undefined> {
  try {
    const item = await openSigned(raw, { types: verifiableTypes })
    return item.id === id ? item : undefined
  } catch (error) {
    if (hasCode(error, 'invalid-item')) return undefined
    throw error
  }
}
