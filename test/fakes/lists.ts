/** Access lists that a test sets as it likes. Without any: everybody and everything is allowed. */
import { SchedulerError } from '../../core/errors.ts'
import type { AccessLists, ProcessAccess } from '../../core/ports/lists.ts'

/** A list, or that it is configured and was never read. */
export type FakeList<T> = T | 'never read'

export class FakeLists implements AccessLists {
  addresses: FakeList<ReadonlySet<string>> | undefined
  processes: FakeList<ReadonlyMap<string, ProcessAccess>> | undefined

  get restricted(): boolean {
    return this.processes !== undefined
  }

  async addressAllowed(address: string): Promise<boolean> {
    return this.addresses === undefined || read(this.addresses).has(address)
  }

  async processAccess(process: string): Promise<ProcessAccess> {
    if (this.processes === undefined) return { read: true, write: true }
    return read(this.processes).get(process) ?? { read: false, write: false }
  }
}

function read<T>(list: FakeList<T>): T {
  if (list === 'never read')
    throw new SchedulerError('unavailable', 'The list could not be read yet', { retryAfter: 2 })
  return list
}
