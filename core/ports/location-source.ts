/** Where clients look up at which address a scheduler is (contract, "Finding a scheduler"). */
export interface SchedulerLocation {
  /** Of the data item that says so. */
  id: string
  /** As it is said; none where it is left out. */
  url: string | undefined
  /** How long clients may go on with it, ms; none where it is left out or no number. */
  ttlMs: number | undefined
  /** When its block was made, ms; none while it waits for one. */
  at: number | undefined
}

export interface LocationSource {
  /** The newest one of a wallet, by its address: the one that counts. Fails with `unavailable`. */
  newest(owner: string): Promise<SchedulerLocation | undefined>
}
