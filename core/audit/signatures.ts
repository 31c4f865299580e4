/** Whether a record's item and assignment are signed by whom they must be: what no copy can make up. */
import type { DataItem } from '../ans104/data-item.ts'
import { verifiableTypes, verifySignature } from '../ans104/signature.ts'
import type { LogRecord } from '../log/record.ts'
import type { Fault } from './fault.ts'
import { readable } from './item-facts.ts'
import type { History } from './schedule-audit.ts'

export interface SignatureOptions {
  history: History
  /** Public key of the log's wallet, 512 bytes. */
  owner: Buffer
}

/**
 * What cannot be read at all is for `ScheduleAudit` to say. An assignment of another wallet may have come with a history that another
 * unit made.
 */
export async function signatureFaults(
  { nonce, assignment }: Pick<LogRecord, 'nonce' | 'assignment'>,
  item: DataItem | undefined,
  { history, owner }: SignatureOptions,
): Promise<Fault[]> {
  const faults: Fault[] = []
  if (item && !(await isSigned(item))) {
    faults.push({ nonce, kind: 'item-signature', what: 'holds an item whose signature does not verify' })
  }
  const signed = assignment && readable(assignment)
  if (!signed) return faults
  if (history === 'own' && !signed.owner.equals(owner)) {
    faults.push({ nonce, kind: 'wallet', what: "has an assignment that is not by the log's wallet" })
  }
  if (!(await isSigned(signed))) {
    faults.push({ nonce, kind: 'assignment-signature', what: 'has an assignment whose signature does not verify' })
  }
  return faults
}

/** False also where that cannot be told: nobody else could verify it either. */
export const isSigned = async (item: DataItem): Promise<boolean> =>
  verifiableTypes.includes(item.signatureType) && (await verifySignature(item, { types: verifiableTypes }))
