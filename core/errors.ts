/**
 * The one error class of the scheduler unit. Everything that is refused or fails on purpose is told apart by its code;
 * `functions/http/errors.ts` turns codes into statuses. Anything else that is thrown is a bug.
 */

/** What a caller did wrong, or what the unit cannot do right now. Each code has one meaning and one HTTP status. */
export type ErrorCode =
  /** The bytes are no canonical ANS-104 data item of a signature type that is taken, or the signature is wrong. */
  | 'invalid-item'
  /** A parameter, path or query of the request is wrong. */
  | 'invalid-request'
  /** The item is sound but breaks a rule of the protocol (tags, target, type). */
  | 'invalid-message'
  /** The item is for another process than the one that the request names. */
  | 'process-mismatch'
  /** The message is encoded or signed in another way than as an ANS-104 data item (422). */
  | 'ans104-only'
  /** The schedule is accepted only in forms that are not served (406). */
  | 'no-such-form'
  /** The path asks for computing, pushing or managing, which a scheduler does not do (404). */
  | 'scheduler-only'
  /** More requests wait for new records than the instance holds (429). */
  | 'too-many-waiting'
  /** The process, message or transaction is not known. */
  | 'not-found'
  /** The item, or the transaction's assignment, is in this process already. */
  | 'already-scheduled'
  /** Another item with the same deep hash is in this process already. */
  | 'deep-hash-known'
  /** Over a size limit of the protocol's configuration (400) */
  | 'message-too-large'
  /** A gateway has it and never gives it in a form that is read here: its answer is too large, or withheld (400). */
  | 'unreadable'
  /** Over a limit of the platform: the body cannot be taken at all (413). */
  | 'body-too-large'
  /** A Content-Encoding that is not unpacked here (415). */
  | 'unsupported-encoding'
  /** The platform decoded the body as text because of its Content-Type, and bytes are lost (415). */
  | 'unsupported-media-type'
  /** The caller or the process is not on a list (403). */
  | 'forbidden'
  /** The process takes no writes on purpose: frozen (503). */
  | 'frozen'
  /** The process is still being migrated (503, reads too). */
  | 'incomplete'
  /** The log was begun by another wallet, or came back from a backup (503). */
  | 'foreign-log'
  /** Something the unit depends on is slow or failing; asking again is safe (503). */
  | 'unavailable'

/** Where something that is scheduled already has its place. */
export interface Place {
  /** The id of the assignment, 43 base64url characters. */
  assignment: string
  nonce: number
  /** The assignment's timestamp, ms. */
  timestamp: number
}

export interface ErrorDetails {
  /** `already-scheduled`: the item's or transaction's id; `deep-hash-known`: the assignment's. */
  id?: string
  place?: Place
  /** Seconds after which asking again makes sense. */
  retryAfter?: number
  /** `no-such-form`: media types that are served. */
  available?: readonly string[]
  /** What went wrong underneath, for the log; never shown to a client. */
  cause?: unknown
}

/** A refusal or a failure that is part of the unit's behaviour. The message is shown to the client: one plain sentence. */
export class SchedulerError extends Error {
  readonly code: ErrorCode
  readonly details: Omit<ErrorDetails, 'cause'>

  constructor(code: ErrorCode, message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'SchedulerError'
    this.code = code
    this.details = details
  }
}

/** True for a SchedulerError of that code; a code is the only thing that errors are told apart by. */
export const hasCode = (error: unknown, code: ErrorCode): error is SchedulerError =>
  error instanceof SchedulerError && error.code === code
