/** Whether what counts as uploaded is at the gateway: the item and the assignment, each by itself (contract, "Upload"). */
import { hasCode } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { Fault } from './fault.ts'

/** @param assignmentId undefined where it has none, or one that cannot be read. Fails with `unavailable`. */
export async function uploadFaults(
  gateway: Pick<Gateway, 'exists'>,
  { nonce, item }: Pick<LogRecord, 'nonce' | 'item'>,
  assignmentId: string | undefined,
): Promise<Fault[]> {
  const parts = [
    ...(item ? [{ part: 'item', id: item.id }] : []),
    ...(assignmentId === undefined ? [] : [{ part: 'assignment', id: assignmentId }]),
  ]
  const wrong = await Promise.all(parts.map(({ id }) => wrongAt(gateway, id)))
  return parts.flatMap(({ part, id }, index): Fault[] => {
    const what = wrong[index]
    return what === undefined ? [] : [{ nonce, kind: 'upload', what: `has the ${part} ${id}, ${what}` }]
  })
}

async function wrongAt(gateway: Pick<Gateway, 'exists'>, id: string): Promise<string | undefined> {
  try {
    return (await gateway.exists(id)) ? undefined : 'which is not at the gateway'
  } catch (error) {
    // It concerns this id alone, and asking again does not change it: the others are verified.
    if (hasCode(error, 'unreadable')) return `which cannot be looked for: ${error.message}`
    throw error
  }
}
