/** The log's identity in memory. */
import { SchedulerError } from '../../core/errors.ts'
import type { LogIdentity, LogIdentityStore } from '../../core/ports/log-identity.ts'

export class FakeLogIdentity implements LogIdentityStore {
  tables = 'tables 1'
  identity: LogIdentity | undefined
  asked = 0
  down = false

  async actualTables(): Promise<string> {
    this.asked++
    if (this.down) throw new SchedulerError('unavailable', 'The store does not answer')
    return this.tables
  }

  async recorded(): Promise<LogIdentity | undefined> {
    return this.identity
  }

  async begin(identity: LogIdentity): Promise<boolean> {
    if (this.identity) return false
    this.identity = identity
    return true
  }
}
