/** What a head's state allows (contract, "What is refused"), and when two heads are the same. */
import { SchedulerError } from '../errors.ts'
import type { NewLog } from '../ports/log-import.ts'
import type { Head, HeadState } from './record.ts'

/** Why nothing can be scheduled after this head, if so; also without one (no such process). */
export function refusalOf(head: Head | undefined): SchedulerError | undefined {
  if (!head) return unknownProcess()
  switch (head.state) {
    case 'open':
      return undefined
    case 'frozen':
      return new SchedulerError('frozen', 'The process is frozen: it can be read, and takes no messages for now', {
        retryAfter: 60,
      })
    case 'incomplete':
      return incomplete()
  }
}

/** Why a process cannot be read, if so. */
export const readRefusalOf = (head: Head): SchedulerError | undefined =>
  head.state === 'incomplete' ? incomplete() : undefined

export const unknownProcess = () => new SchedulerError('not-found', 'Process not found')

const incomplete = () =>
  new SchedulerError('incomplete', 'The process is still being migrated to this scheduler unit', { retryAfter: 60 })

/** The head of a process whose records are still to come: it covers none of them. */
export const incompleteHead = ({
  process,
  timestamp,
  blockHeight,
  epoch,
  firstNonce,
  settlementDepth,
}: NewLog): Head => ({
  process,
  state: 'incomplete',
  next: firstNonce,
  timestamp,
  blockHeight,
  epoch,
  firstNonce,
  settlementDepth,
})

/** A version that no placement ever gets: a head that awaits it is closed for good (`core/restore`). */
const NEVER = Number.MAX_SAFE_INTEGER

/** The head of a process in which nothing must be scheduled ever again. What there is of it can be read. */
export const closedForGood = (head: Head): Head => ({
  ...head,
  state: head.next === head.firstNonce ? 'incomplete' : 'frozen',
  awaits: NEVER,
})

export const isClosedForGood = ({ state, awaits }: { state: HeadState; awaits?: number | undefined }): boolean =>
  state !== 'open' && awaits === NEVER

/** The same end of the same log: what a commit's condition in the store compares. */
export const sameHead = (a: Head, b: Head): boolean =>
  a.next === b.next &&
  a.state === b.state &&
  (a.lastAssignment === undefined
    ? b.lastAssignment === undefined
    : b.lastAssignment !== undefined && a.lastAssignment.equals(b.lastAssignment))
