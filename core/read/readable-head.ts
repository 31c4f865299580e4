/** The head of a process that may be read now. */
import type { Head } from '../log/record.ts'
import { readRefusalOf, unknownProcess } from '../log/state.ts'
import type { LogStore } from '../ports/log-store.ts'

/** Fails with `not-found` for an unknown process, with `incomplete` for one that is still being migrated. */
export async function readableHead(log: LogStore, process: string): Promise<Head> {
  const head = await log.head(process)
  if (head === undefined) throw unknownProcess()
  return readable(head)
}

/** The head, if its process may be read: a frozen one may, one still being migrated not (`incomplete`). */
export function readable(head: Head): Head {
  const refusal = readRefusalOf(head)
  if (refusal) throw refusal
  return head
}

/** Nonce of the first record after the process itself. */
export const firstMessageNonce = (head: Head): number => head.firstNonce + 1

/** The newest nonce; one less than the first message's where there is no message, so -1 or 0. */
export const lastNonce = (head: Head): number => head.next - 1
