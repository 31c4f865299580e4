/** Posting and assigning as the tests ask for it: into a unit over fakes, with time enough, outcomes as values. */
import { SchedulerError } from '../../../core/errors.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import { type AssignRequest, assignTransaction } from '../../../core/schedule/assign.ts'
import { postItem } from '../../../core/schedule/post.ts'
import type { Receipt } from '../../../core/schedule/scheduler.ts'
import { createUnit, type Unit, type UnitOptions } from '../../fakes/unit.ts'
import { A, recordedRaw } from './items.ts'

export const deadlineOf = ({ clock }: { clock: Clock }): number => clock.now() + 20_000

export const post = (unit: Unit, item: Buffer | { raw: Buffer }): Promise<Receipt> =>
  postItem(unit.scheduler, Buffer.isBuffer(item) ? item : item.raw, deadlineOf(unit))

export const assign = (unit: Unit, transaction: string, request: Partial<AssignRequest> = {}): Promise<Receipt> =>
  assignTransaction(unit.scheduler, { process: A, transaction, baseLayer: false, ...request }, deadlineOf(unit))

/** The refusal that the work ends with; anything else is a failure of the test. */
export async function refusalOf(work: Promise<unknown>): Promise<SchedulerError> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('value' in outcome) throw new Error(`not refused: ${JSON.stringify(outcome.value)}`)
  if (outcome.error instanceof SchedulerError) return outcome.error
  throw outcome.error
}

/** The code of a refusal, or `taken`. */
export const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'taken',
    (error: unknown) => {
      if (error instanceof SchedulerError) return error.code
      throw error
    },
  )

/** A unit with A and B spawned, a second ago: timestamps do not run ahead of the clock. */
export async function unitWithProcesses(options?: UnitOptions): Promise<Unit> {
  const unit = createUnit(options)
  await post(unit, recordedRaw('procA'))
  await post(unit, recordedRaw('procB'))
  await passTime(unit, 1000)
  unit.calls.length = 0
  return unit
}

/** What the log holds of a process, from nonce 0 on. */
export async function recordsOf({ store }: Unit, process = A): Promise<LogRecord[]> {
  const head = await store.head(process)
  return head ? store.records(process, 0, head.next - 1) : []
}

export const idsOf = async (unit: Unit, process = A): Promise<string[]> =>
  (await recordsOf(unit, process)).map(({ id }) => id)

export const passTime = ({ clock }: Unit, ms: number): Promise<void> => clock.run(clock.sleep(ms))

/**
 * What work gives that may wait for time to pass: it does, slowly, so that what is done on other threads meanwhile (a
 * signature verified) is not overtaken by deadlines.
 */
export async function slowly<T>({ clock }: Unit, work: Promise<T>): Promise<T> {
  let done = false
  const ended = work.finally(() => {
    done = true
  })
  ended.catch(() => undefined)
  while (!done) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    await clock.run(clock.sleep(5))
  }
  return ended
}
