/** The log's identity in memory. */
import { SchedulerError } from '../../core/errors.ts'
import type { LogIdentity, LogIdentityStore } from '../../core/ports/log-identity.ts'

export class FakeLogIdentity implements LogIdentityStore {
  tables = 'tables 1'
  identity: LogIdentity | undefined
  /** A table of a log that was begun is among these, whatever became of the one that says whose it is. */
  marked = false
  asked = 0
  read = 0
  down = false

  async actualTables(): Promise<string> {
    this.asked++
    if (this.down) throw new SchedulerError('unavailable', 'The store does not answer')
    return this.tables
  }

  async recorded(): Promise<LogIdentity | undefined> {
    this.read++
    if (this.down) throw new SchedulerError('unavailable', 'The store does not answer')
    return this.identity
  }

  async begin(identity: LogIdentity): Promise<boolean> {
    if (this.identity || this.marked) return false
    this.identity = identity
    this.marked = true
    return true
  }

  async takeOver(from: LogIdentity | undefined, to: LogIdentity): Promise<boolean> {
    const standing = this.identity?.tables
    if (standing !== from?.tables && standing !== to.tables) return false
    this.identity = to
    this.marked = true
    return true
  }
}
