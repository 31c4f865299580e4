/** What an event is told is wrong with it, told to who has called the command. */
import { SchedulerError } from '../../core/errors.ts'
import { UsageError } from '../command.ts'

/** The options by what they are in an event. */
const options: Readonly<Record<string, string>> = {
  from: '--from',
  databases: '--db',
  tenantsOf: '--tenants-of',
  rows: 'RANGE',
  processes: '--process',
  reuploadSince: '--reupload-since',
  after: '--after',
  batchSize: '--batch',
}

/** Throws a UsageError for what is an `invalid-request` in there. */
export function asUsage<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error
    throw new UsageError(
      error.message
        .replace(/\bmessages\.(\w+)/g, (all, name: string) => options[name] ?? all)
        .replace(/^messages has/, 'The call has'),
    )
  }
}
