/** The allow-list of processes and the IP list, as far as they concern who may write (contract, "What is refused"). */
import { SchedulerError } from '../errors.ts'
import type { AccessLists } from '../ports/lists.ts'

/** Refuses (`forbidden`) a caller who is not on the IP list. */
export async function checkCaller(lists: AccessLists, address: string): Promise<void> {
  if (await lists.addressAllowed(address)) return
  throw new SchedulerError('forbidden', 'Your address is not on the list of this scheduler unit')
}

/** Refuses a process that is not on the allow-list or only to be read. */
export async function checkWritable({ lists }: { lists: AccessLists }, process: string): Promise<void> {
  const access = await lists.processAccess(process)
  if (access.write) return
  throw new SchedulerError(
    'invalid-message',
    access.read
      ? `Process ${process} is read-only on this scheduler unit`
      : `Process ${process} is not allowed on this scheduler unit`,
  )
}

/** Refuses (`forbidden`) reading the records of a process that is not on the allow-list. */
export async function checkReadable(lists: AccessLists, process: string): Promise<void> {
  if (!lists.restricted || (await lists.processAccess(process)).read) return
  throw new SchedulerError('forbidden', `Process ${process} is not allowed on this scheduler unit`)
}

/** Where an allow-list rules, no process is begun. */
export function refuseSpawns({ lists }: { lists: AccessLists }): void {
  if (lists.restricted) throw new SchedulerError('invalid-message', 'No processes are spawned on this scheduler unit')
}
