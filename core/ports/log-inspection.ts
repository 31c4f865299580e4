/**
 * What an audit reads: the log as it is, damage included. Everywhere else a record that is not there or makes no sense is an
 * outage; here it is an answer.
 */
import type { LogRecord } from '../log/record.ts'
import type { BlobRef } from './blob-store.ts'

/** `unreadable`: there is something, which is not what it should be. */
export interface Damage {
  damage: 'missing' | 'unreadable'
}

export interface LogInspection {
  /**
   * What there is at these nonces, in the order asked, whatever the head says; where assignments are large, at the first of them, one
   * at least. Fails with `unavailable`.
   */
  records(process: string, nonces: readonly number[]): Promise<(LogRecord | Damage)[]>
}

export interface BodyInspection {
  /** The bytes that the ref names; `unreadable` where they are others. Fails with `unavailable`. */
  body(ref: BlobRef): Promise<Buffer | Damage>
}

export const isDamage = (thing: object): thing is Damage => 'damage' in thing
