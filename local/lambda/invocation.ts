/** One call of a function, from the caller to its outcome. */
import type { IncomingMessage } from 'node:http'

export type Outcome =
  /** The handler returned: what it returned, as JSON. */
  | { kind: 'answered'; body: string }
  /** The handler streams; `body` must be read to its end. It may break off, or end with a trailer that names an error. */
  | { kind: 'streaming'; contentType: string; body: IncomingMessage }
  /** The handler threw, took too long, or its instance died. */
  | { kind: 'failed'; errorType: string; message: string }
  /** No instance was free in time. */
  | { kind: 'throttled' }

export interface Invocation {
  id: string
  /** JSON */
  event: string
  settle(outcome: Outcome): void
}

export const failed = (errorType: string, message: string): Outcome => ({ kind: 'failed', errorType, message })
