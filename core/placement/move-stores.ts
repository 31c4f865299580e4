/** One unit's side of a move: its log, and all that goes with it. */
import { SchedulerError } from '../errors.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { LogFence } from '../ports/log-fence.ts'
import type { LogIdentity, LogIdentityStore } from '../ports/log-identity.ts'
import type { LogImport } from '../ports/log-import.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { RelayStore } from '../ports/relay-store.ts'

export interface UnitStores {
  /** The unit's address as its placements have it. */
  url: string
  identity: Pick<LogIdentityStore, 'actualTables' | 'recorded'>
  log: Pick<LogStore, 'head' | 'records' | 'setState'>
  fence: LogFence
  imports: LogImport
  blobs: Pick<BlobStore, 'get' | 'put'>
  relay: Pick<RelayStore, 'progress' | 'advance' | 'scan' | 'owe' | 'owed'>
}

/** A step that may not be done as things stand; the sentence says why. */
export const refusal = (sentence: string): SchedulerError => new SchedulerError('invalid-request', sentence)

/** Whose log it is, if something may be scheduled in it: a log that came back from a backup may lack what it gave out last. */
export async function soundIdentity({ url, identity }: Pick<UnitStores, 'url' | 'identity'>): Promise<LogIdentity> {
  const [recorded, tables] = await Promise.all([identity.recorded(), identity.actualTables()])
  if (!recorded) throw refusal(`The log of ${url} was never begun: start the unit once.`)
  if (recorded.tables !== tables) {
    throw refusal(`The log of ${url} came back from a backup and may lack its last messages: complete it first.`)
  }
  return recorded
}
