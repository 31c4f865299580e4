/**
 * Looks through all that is known of what was given out, once and flat: for each process how far each of the tables and each of the
 * other sources goes. Only processes in which something does not fit are looked at closer.
 */
import type { HeadState } from '../log/record.ts'
import type { Nonce } from '../ports/log-restore.ts'
import type { RestoreDeps } from './deps.ts'

/** What the sources know of one process, as numbers: a log may have a million of them. */
export interface Known {
  head: { next: number; firstNonce: 0 | -1; state: HeadState } | undefined
  /** Records and assignments' rows that are there. */
  records: number
  assignments: number
  /** For each source the nonce after the last that it knows. */
  ends: Record<Witness, number>
  /** The relay has not noted that it uploaded all of it. */
  uploadsLeft: boolean
}

/** Who knows of a nonce. The first two have what was signed. */
export const witnesses = ['records', 'signed', 'heads', 'ids', 'metadata'] as const
export type Witness = (typeof witnesses)[number]

/** How these are called in a sentence: "known by …". */
export const witnessNames: Record<Witness, string> = {
  records: 'the table of records',
  signed: 'what was uploaded',
  heads: 'the table of heads',
  ids: 'the table of ids',
  metadata: 'the metadata',
}

/** How many blocks before the last one that the log knows of uploads are looked for: it may have known of that late. */
const MARGIN_BLOCKS = 100

/** By process. Fails with `unavailable`. */
export async function survey(deps: RestoreDeps): Promise<Map<string, Known>> {
  const all = new Map<string, Known>()
  const of = (process: string): Known => {
    const known = all.get(process) ?? nothing()
    all.set(process, known)
    return known
  }
  const note = (witness: Witness, { process, nonce }: Nonce): Known => {
    const known = of(process)
    known.ends[witness] = Math.max(known.ends[witness], nonce + 1)
    return known
  }

  const networkHeight = await deps.gateway.height()
  let knownHeight = 0
  for await (const heads of deps.restore.heads()) {
    for (const { process, next, firstNonce, state, blockHeight } of heads) {
      const known = note('heads', { process, nonce: next - 1 })
      known.head = { next, firstNonce, state }
      // A height that the network does not have yet was never right, and says nothing of when the backup was made.
      if (blockHeight <= networkHeight) knownHeight = Math.max(knownHeight, blockHeight)
    }
  }
  for await (const records of deps.restore.records()) {
    for (const record of records) note('records', record).records++
  }
  for await (const rows of deps.restore.ids()) {
    for (const row of rows) note('ids', row).assignments += row.assignment ? 1 : 0
  }
  for await (const { process, next, firstNonce, done } of deps.relay.scan()) {
    const known = all.get(process)
    if (known) known.uploadsLeft = (done.upload ?? firstNonce) < next
  }
  if (deps.metadata) {
    for await (const ends of deps.metadata.ends()) for (const end of ends) note('metadata', end)
  }
  const since = Math.max(0, knownHeight - MARGIN_BLOCKS)
  for (const source of deps.signed) {
    for await (const nonces of source.since(since)) for (const nonce of nonces) note('signed', nonce)
  }
  return all
}

/** Whether all that is known of a process is in its log, and everything of it is there. */
export function isWhole({ head, records, assignments, ends }: Known): boolean {
  if (!head) return false
  const { next, firstNonce } = head
  const further = witnesses.some((witness) => ends[witness] > next)
  return !further && records === next - firstNonce && assignments === Math.max(0, next)
}

/** The nonce after the last that anybody knows of; `NEGATIVE_INFINITY` if nobody knows of any. */
export const endOf = ({ ends }: Known): number => Math.max(...witnesses.map((witness) => ends[witness]))

const nothing = (): Known => {
  const none = Number.NEGATIVE_INFINITY
  return {
    head: undefined,
    records: 0,
    assignments: 0,
    ends: { records: none, signed: none, heads: none, ids: none, metadata: none },
    uploadsLeft: false,
  }
}
