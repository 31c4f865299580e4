/** What can be wrong with a process's log, each kind by its name. */

export type FaultKind =
  /** A nonce that the head covers has no record. */
  | 'missing'
  /** A record, or the body of its item, that cannot be read as what it is. */
  | 'unreadable'
  /** A record that is none of this place: another kind, process or nonce. */
  | 'record'
  /** The item is not the one that the record and its assignment name. */
  | 'item'
  /** The item is not signed by its owner. */
  | 'item-signature'
  /** The assignment says something else than the record. */
  | 'assignment'
  /** The assignment is not signed by its owner. */
  | 'assignment-signature'
  /** The assignment is signed by another wallet than the log's. */
  | 'wallet'
  /** The assignment does not follow from the one before. */
  | 'hash-chain'
  /** Times do not rise as they must. */
  | 'time'
  /** The block height falls. */
  | 'height'
  /** The record is not found by its ids, or would not be refused a second time. */
  | 'lookup'
  /** The head is not the end of the records. */
  | 'head'
  /** A record stands where the next one is to be. */
  | 'beyond'
  /** A watermark says that more is done than there is. */
  | 'watermark'
  /** What counts as uploaded is not at the gateway. */
  | 'upload'

export interface Fault {
  nonce: number
  kind: FaultKind
  /** What is wrong, a sentence that goes on after the nonce. */
  what: string
}
