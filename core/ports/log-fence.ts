/**
 * Freezes and opens heads for a move, so that a process never has two open heads, however long who moves it is held up between
 * two steps. A head is frozen for one version of the process's placement, the next one, and opens for that version only. Each
 * version of a placement is written once, and names one unit: so of two heads that await the same version one opens. Each
 * change is to a later version: so what was meant for an earlier one comes too late.
 */
export interface LogFence {
  /**
   * Freezes a head until the placement has this version: an open one, unless it was opened for this version or a later one;
   * or one that is frozen for this version or an earlier one. False for any other, also for one that was frozen by other means.
   * Once it is frozen no commit lands. Fails with `unavailable`.
   */
  freeze(process: string, awaits: number): Promise<boolean>
  /**
   * Opens a head that is frozen for exactly this version (undefined: one that was never frozen to be moved); true also where that
   * is done. Fails with `unavailable`.
   */
  open(process: string, awaits: number | undefined): Promise<boolean>
}
