/**
 * Where instances that would only race for a busy process's head leave what they want scheduled, for the one that commits
 * for all of them. Nothing here is needed for correctness: an offer is never more than a request, made a second time.
 */
import type { Entry } from '../log/entry.ts'
import type { Head } from '../log/record.ts'
import type { Standing } from './log-store.ts'

/** An entry that somebody waits for. */
export interface Offer {
  /** Unique; the record's own row names it, so that whoever waits knows his success from another's. */
  id: string
  entry: Entry
  /** When its request came, ms: the order in which they are served. */
  since: number
  /** When its caller must have an answer, ms: after that nobody waits for it. */
  deadline: number
}

/** As much of an offer as is read again and again. */
export type OfferName = Pick<Offer, 'id' | 'since' | 'deadline'>

export interface Mailbox {
  /** Fails with `unavailable`: then it may be there or not, as with all of these. */
  offer(process: string, offers: readonly Offer[]): Promise<void>
  /** Those that wait, the oldest first; the newest may be missing, and some that are gone may still be there. */
  names(process: string): Promise<OfferName[]>
  /** The offers of these names; what cannot be found or read is missing. */
  open(process: string, names: readonly OfferName[]): Promise<Offer[]>
  /** Takes offers out. Best effort: what stays is forgotten by itself after a while. */
  withdraw(process: string, offers: readonly OfferName[]): Promise<void>
  /** What became of these, by id of the offer; of those that are missing nothing is known yet. */
  outcomes(process: string, offers: readonly Offer[]): Promise<Map<string, Standing>>
  /** The same, and the process's head as it is now (a consistent read), in one call. Without one where it could not be had. */
  news(process: string, offers: readonly Offer[]): Promise<News>
}

export interface News {
  outcomes: Map<string, Standing>
  head?: Head
}
