/** What the unit counts and times. Names are the reference's, so that dashboards carry over (contract, "Metrics"). */
export type TimedFunction =
  | 'get_process'
  | 'get_message'
  | 'get_messages'
  | 'read_message_data'
  | 'write_item'
  | 'acquire_write_lock'

export type Counter =
  | 'message_save_failures'
  /** Signatures made, to be held against messages scheduled: the difference was made in vain. */
  | 'signatures'
  | 'messages_scheduled'
  | 'commits'
  | 'commit_conflicts'
  /** Entries left for another instance to commit. */
  | 'offers'
  | 'uploads'
  | 'uploads_set_aside'
  | 'relay_failures'
  | 'cache_failures'
  /** A router's requests, by how they got to their unit. */
  | 'redirects'
  | 'passed_on'
  /** Entries of the IP list that were not understood, counted at each change of them. */
  | 'ip_list_not_understood'
  /** Records that a sweep found unfinished, once for each effect. */
  | 'relay_backlog'

export interface Meter {
  /** @param ms whole milliseconds */
  time(name: TimedFunction, ms: number): void
  count(name: Counter, by?: number): void
}

export const noMeter: Meter = { time() {}, count() {} }
