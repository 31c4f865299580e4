/** What a unit asks before it takes a spawn, where there are several units (contract, "Router"). */
export interface OwnPlacement {
  /**
   * Takes the process: from now on its placement does not change by itself. Asked when nothing else could refuse the spawn.
   * Fails with `invalid-message` where the process is placed elsewhere or nowhere, with `unavailable` without an answer.
   */
  claim(process: string): Promise<void>
  /** Says that this unit refused the spawn, so that the process can be placed anew. Never fails: it is best effort. */
  refuse(process: string): Promise<void>
  /**
   * Whether this unit may schedule at all: fails with `frozen` once it was declared dead, so that its processes could be
   * moved. Remembered, so that it costs nothing to ask with every message.
   */
  check(): Promise<void>
}

/** For a unit that is alone: everything is its own. */
export const alone: OwnPlacement = {
  claim: async () => {},
  refuse: async () => {},
  check: async () => {},
}
