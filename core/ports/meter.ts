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
  /** Entries submitted to the leader. */
  | 'submissions'
  | 'uploads'
  /** Uploads that the bundler refuses for good: new dead letters. */
  | 'uploads_refused'
  /** Parts that have become owed. */
  | 'parts_owed'
  /** Sinks of processes whose turn ended in trouble. */
  | 'relay_failures'
  | 'cache_failures'
  /** A router's requests, by how they got to their unit. */
  | 'redirects'
  | 'passed_on'
  /** Entries of the IP list that were not understood, counted at each change of them. */
  | 'ip_list_not_understood'
  /** State, not events, each once a minute: everything that is owed, and every dead letter. */
  | 'owed_parts'
  | 'dead_letters'
  /** State, once a minute: the age of the oldest record that a sink is behind with, whole seconds. */
  | 'metadata_lag_seconds'
  | 'upload_lag_seconds'
  | 'segments_lag_seconds'
  /** Items uploaded more than a day ago that a gateway was asked for, and those that it does not have. */
  | 'uploads_sampled'
  | 'uploads_missing'

export interface Meter {
  /** @param ms whole milliseconds */
  time(name: TimedFunction, ms: number): void
  count(name: Counter, by?: number): void
}

export const noMeter: Meter = { time() {}, count() {} }
