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
  // Of a history that is brought in from another unit (core/migration):
  /** Several rows have the nonce. */
  | 'doubled'
  /** The stored bundle is none, or none of a known shape. */
  | 'bundle'
  /** The stored bundle is not signed by its owner. */
  | 'bundle-signature'
  /** A column says something else than what was signed. */
  | 'row'
  /** The process itself is not there. */
  | 'process'
  /** The log holds something else there. */
  | 'occupied'
  /** The other unit went on after the process was opened here. */
  | 'went-on'
  /** The process is placed on another unit. */
  | 'placed'

export interface Fault {
  nonce: number
  kind: FaultKind
  /** What is wrong, a sentence that goes on after the nonce. */
  what: string
}
