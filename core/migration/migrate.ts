/** Brings in the processes that a range of the source's rows belongs to, several at once, until it is done or has to stop. */
import type { MigrationDeps } from './deps.ts'
import type { MigrationAnswer, MigrationOrder, MigrationWatcher } from './order.ts'

export interface MigrationLimits {
  /** When it is to have stopped, ms since the epoch. */
  deadline: number
}

/** Fails with `invalid-request` where the source cannot be read at all; what stops it later is in the answer. */
export async function migrate(
  _deps: MigrationDeps,
  _order: MigrationOrder,
  _limits: MigrationLimits,
  _watcher: MigrationWatcher,
): Promise<MigrationAnswer> {
  throw new Error('to be written')
}
