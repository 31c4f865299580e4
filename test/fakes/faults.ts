/** Hooks by which a test makes a fake store slow, failing, or silent after the deed. */
import { SchedulerError } from '../../core/errors.ts'

/** One call of a port's method, as a hook sees it. */
export interface Operation<Name extends string = string> {
  name: Name
  args: readonly unknown[]
}

/** What a hook may ask for instead of the plain way of a write. */
export type Interference =
  /** The caller gets this outcome, and nothing is written. */
  | { outcome: unknown }
  /** The caller gets no answer now; the write happens when `lands` resolves, never if it is absent or rejects. */
  | { unanswered: unknown; lands?: Promise<void> }

/** Both may wait (a delay) and throw. What they throw becomes `unavailable`, or of a commit and a spawn `unanswered`. */
export interface Faults<Name extends string = string> {
  /** Called before anything happens; a throw means that nothing happened. */
  before?(operation: Operation<Name>): unknown
  /** Called when it has happened; a throw means that the answer got lost. */
  after?(operation: Operation<Name>): unknown
}

/** A failure that a hook injected, as a port's method reports it. */
export const unavailable = (error: unknown): SchedulerError =>
  error instanceof SchedulerError
    ? error
    : new SchedulerError('unavailable', 'The store does not answer.', { cause: error })

export const isInterference = (value: unknown): value is Interference =>
  typeof value === 'object' && value !== null && ('outcome' in value || 'unanswered' in value)

/** Runs one operation between its hooks; what they throw is `unavailable`. */
export const faulty = async <Name extends string, T>(
  faults: Faults<Name>,
  name: Name,
  args: readonly unknown[],
  run: () => T,
): Promise<T> => {
  const operation = { name, args }
  try {
    await faults.before?.(operation)
  } catch (error) {
    throw unavailable(error)
  }
  const result = run()
  try {
    await faults.after?.(operation)
  } catch (error) {
    throw unavailable(error)
  }
  return result
}
