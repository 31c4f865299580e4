/**
 * All constants of the write path, each with its unit and reason. They are found by simulation (docs/contended-processes.md), and
 * passed in, so that a simulation can sweep them. None of them decides what is right: only how fast it comes, and at what cost.
 */
export const tuning = {
  /** Lost commits in a row after which an instance takes the lease. With 2, 200 writers have a p99 of 690 ms instead of 540. */
  lossesToLead: 3,
  /** ms for which the last writer lets another one commit first: about as long as a commit takes. Matters for two writers only. */
  turnMs: 25,
  /** ms between two reads of the head meanwhile. */
  turnReadMs: 5,
  /** ms after which an entry yields no longer. */
  impatientMs: 400,
  /** ms at most between two attempts; the actual pause is random. */
  maxPauseMs: 100,
  /** ms before each further look for a row that may be seen later than another one of its transaction. */
  lookAgainMs: [0, 5, 10, 20],

  /** Entries that a commit waits for while more are being signed: many small commits cost more than they hasten. */
  batch: 8,

  /** ms for which a lease holds after a commit: longer than a slow commit, shorter than a caller's patience. */
  leaseMs: 1_000,
  /** ms of waiting that are believed at most: a clock that is far off must not make anything wait for ever. */
  maxWaitMs: 5_000,
  /** ms for which a process counts as contended after its writers met. */
  contendedMs: 2_000,

  /** ms that one instance leads. */
  termMs: 5_000,
  /** ms that a leader may outlive its own requests' deadline. */
  graceMs: 1_000,
  /** ms that a successor has left at least before its own deadline. */
  successorMs: 1_000,
  /** ms without an answer of the submission queue, after which a leader gives up its lease. */
  deafMs: 1_000,
  /** ms between two counts of those who wait. */
  censusMs: 500,
  /** Waiting entries on average below which optimistic commits are faster and cheaper than a leader: two writers. */
  fewWriters: 1.7,
  /** ms that a submission may be on its way which was made before others saw that the lease was given up. */
  stragglersMs: 80,
  /** ms that the waiting of others is taken for before anything is known of it. */
  firstWaitMs: 50,

  /** ms between two looks of a leader into the queue; more where enough entries wait to be signed. */
  intakeMs: 8,
  busyIntakeMs: 20,
  /** Entries that are enough: more than are signed until the next look brings its own. */
  enough: 24,
  /** Looks under way at once: a slow one must not hold up the next. */
  intakeCalls: 3,
  /** ms that later looks wait for the first one, which brings the submissions that have waited longest. */
  firstIntakeMs: 100,
  /** ms after which a body that is missing is looked for again; doubled each time. */
  missingMs: 20,

  /** Share of the expected wait after which a follower asks first what became of an entry. */
  firstAsk: 0.7,
  /** ms between two questions at least and at most; a share of the expected wait between these, growing each time. */
  askMs: 8,
  maxAskMs: 500,
  askShare: 1 / 8,
  askGrowth: 1.5,
  /** ms within which a follower leads, by chance, once the lease has run out: not all of them sign at once. */
  staggerMs: 300,
  /** ms for which a leader is believed to be alive without a sign of it, beyond the expected wait: at first, and at most. */
  leaderTimeoutMs: 500,
  maxLeaderTimeoutMs: 3_000,
  /** A follower commits by itself after so many expected waits and so many ms: the leader passes it over. */
  passedOverWaits: 3,
  passedOverMs: 3_000,
  /** ms that the queue may take for a submission, and for which it is not used after that. */
  submitMs: 1_000,
  queueDownMs: 2_000,
}

export type Tuning = typeof tuning
