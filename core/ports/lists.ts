/** Who may use the unit: the fetched lists of `contract`, "Lists that are fetched". */

export interface ProcessAccess {
  read: boolean
  write: boolean
}

export interface AccessLists {
  /** Whether this caller may post; always true where no IP list is configured. `unavailable` when never read. */
  addressAllowed(address: string): Promise<boolean>
  /** Whether an allow-list of processes is configured at all. Nothing may be cached publicly, and nothing spawned, then. */
  readonly restricted: boolean
  /** What may be done with this process; everything where no list is configured. `unavailable` when never read. */
  processAccess(process: string): Promise<ProcessAccess>
}
