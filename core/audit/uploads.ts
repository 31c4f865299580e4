/** Whether what counts as uploaded is at the gateway: the item and the assignment, each by itself (contract, "Upload"). */
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
  const there = await Promise.all(parts.map(({ id }) => gateway.exists(id)))
  return parts
    .filter((_, index) => !there[index])
    .map(({ part, id }) => ({ nonce, kind: 'upload', what: `has the ${part} ${id}, which is not at the gateway` }))
}
