/** Makes the record of a nonce again that the log lost, from its assignment and whatever else is known. */
import type { LogRecord, StoredItem } from '../log/record.ts'
import type { IndexedNonce, SignedNonce } from '../ports/restore-sources.ts'
import { renderedItemBytes } from '../read/render.ts'
import { beforeAll, type RestoredEnd } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'
import { type FoundItem, findAssignment, findItem, type ProvenAssignment, type ProvenItem } from './proof.ts'

/** Where a process cannot be completed. Sentences go on after the nonce. */
export interface Stop {
  nonce: number
  /**
   * `nothing`: no assignment is found. `bodiless`: there is an assignment, and of its message no body. `unusable`: something was signed
   * that cannot be brought in.
   */
  kind: 'nothing' | 'bodiless' | 'unusable'
  what: string
}

export interface Rebuilt {
  record: LogRecord
  /** Whether it was posted or assigned is told by the item alone. */
  presumed: boolean
}

export interface RebuildOptions {
  /** Bodies are written where a record takes no more. */
  write: boolean
  /** A message without a body stands in the log as its assignment alone. */
  withoutBodies: boolean
  firstNonce: 0 | -1
}

/** What is known of a nonce beside the log. */
export interface Clues {
  signed: readonly SignedNonce[]
  indexed: IndexedNonce | undefined
  /** Items that were looked for already, by their ids. */
  items: ReadonlyMap<string, FoundItem>
}

/** Fails with `unavailable`. */
export async function rebuild(
  deps: RestoreDeps,
  end: RestoredEnd,
  clues: Clues,
  options: RebuildOptions,
): Promise<Rebuilt | Stop> {
  const { process, next: nonce } = end
  if (nonce < 0) return withoutAssignment(deps, end, clues, options)
  const found = await findAssignment(deps, end, clues.signed)
  if (found.kind === 'nothing') return { nonce, kind: 'nothing', what: 'has no assignment anywhere' }
  if (found.kind === 'unusable') return { nonce, kind: 'unusable', what: found.what }
  const { assignment } = found
  const { timestamp, blockHeight, message } = assignment.fields
  const isProcess = nonce === options.firstNonce
  if (isProcess !== (message === undefined)) {
    return { nonce, kind: 'unusable', what: `is ${isProcess ? 'not the process itself' : 'the process itself, again'}` }
  }
  const id = message ?? process
  const item = clues.items.get(id) ?? (await findItem(deps, id))
  const { kind, presumed } = isProcess
    ? { kind: 'process' as const, presumed: false }
    : await kindOf(deps, process, { id, assignment, item, indexed: clues.indexed })
  const record: LogRecord = {
    process,
    nonce,
    kind: kind ?? 'message',
    id,
    assignment: assignment.raw,
    timestamp,
    timeKey: Math.max(end.timeKey ?? timestamp, timestamp),
    blockHeight,
  }
  if (kind === 'transaction') return { record, presumed }
  if (typeof item === 'object')
    return { record: { ...record, item: await stored(deps, record, item, options) }, presumed }
  const what = item === 'several' ? `has several bodies of item ${id}` : `has an assignment, and item ${id} is nowhere`
  if (isProcess) return { nonce, kind: 'unusable', what }
  return options.withoutBodies ? { record, presumed } : { nonce, kind: 'bodiless', what }
}

/** A process that has no assignment of its own: its item, and the time of which nobody but the metadata knows. */
async function withoutAssignment(
  deps: RestoreDeps,
  { process, next: nonce }: RestoredEnd,
  { indexed }: Clues,
  options: RebuildOptions,
): Promise<Rebuilt | Stop> {
  const item = await findItem(deps, process)
  if (typeof item !== 'object') return { nonce, kind: 'nothing', what: 'is the process, whose item is nowhere' }
  const time = indexed ?? (await firstAssignment(deps, process))
  if (!time) return { nonce, kind: 'nothing', what: 'is the process, and nobody knows of when' }
  const { timestamp, blockHeight } = time
  const record: LogRecord = { process, nonce, kind: 'process', id: process, timestamp, timeKey: timestamp, blockHeight }
  return { record: { ...record, item: await stored(deps, record, item, options) }, presumed: indexed === undefined }
}

/** The process was accepted at the time of its first message, or somewhat earlier. */
async function firstAssignment(deps: RestoreDeps, process: string) {
  const candidates = await signedAt(deps, process, [0])
  const found = await findAssignment(deps, beforeAll(process, 0), candidates)
  return found.kind === 'found' ? found.assignment.fields : undefined
}

/** All that the sources of assignments have of these nonces. */
export async function signedAt(
  { signed }: Pick<RestoreDeps, 'signed'>,
  process: string,
  nonces: readonly number[],
): Promise<SignedNonce[]> {
  const asked = nonces.filter((nonce) => nonce >= 0)
  if (asked.length === 0) return []
  return (await Promise.all(signed.map((source) => source.assignments(process, asked)))).flat()
}

/** An assignment does not say whether its message was posted or assigned. No kind: nothing is known of it at all. */
async function kindOf(
  { log, gateway }: RestoreDeps,
  process: string,
  {
    id,
    assignment,
    item,
    indexed,
  }: { id: string; assignment: ProvenAssignment; item: FoundItem; indexed: IndexedNonce | undefined },
): Promise<{ kind?: 'message' | 'transaction'; presumed: boolean }> {
  for (const kind of ['message', 'transaction'] as const) {
    const finding = await log.findItem(process, { kind, id })
    if (finding?.place.assignment === assignment.id) return { kind, presumed: false }
  }
  if (indexed?.id === id && indexed.assignmentId === assignment.id && indexed.kind !== 'process') {
    return { kind: indexed.kind, presumed: false }
  }
  // Posts exclude nothing.
  if (assignment.fields.exclude.length > 0) return { kind: 'transaction', presumed: false }
  if (typeof item === 'object') return { kind: isFor(process, item) ? 'message' : 'transaction', presumed: true }
  // One that is no data item, or was meant for somebody else, can only have been assigned.
  const transaction = await gateway.transaction(id)
  if (!transaction || transaction.recipient.toString('base64url') === process) return { presumed: true }
  return { kind: 'transaction', presumed: true }
}

const isFor = (process: string, { item }: ProvenItem): boolean => item.target.toString('base64url') === process

async function stored(
  { blobs, inlineBytes }: RestoreDeps,
  { kind }: LogRecord,
  { item, ref }: ProvenItem,
  { write }: RebuildOptions,
): Promise<StoredItem> {
  const { id, raw } = item
  if (raw.length <= inlineBytes) return { id, raw }
  if (write) await blobs.put(ref, raw)
  return { id, blob: ref, renderedBytes: renderedItemBytes({ kind }, item) }
}
