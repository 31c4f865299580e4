/** What is called by the clock, by the trigger in infra/functions.ts. */
import type { ScheduleTrigger } from '../functions.ts'
import { logicalOf } from './names.ts'
import type { Place } from './places.ts'

export const createSchedule = (
  { suffix, options }: Place,
  name: string,
  called: sst.aws.Function,
  { rate }: ScheduleTrigger,
): sst.aws.CronV2 =>
  new sst.aws.CronV2(
    `${logicalOf(name)}Schedule${suffix}`,
    { schedule: `rate(${spoken(rate)})`, function: called.arn },
    options,
  )

/** @param rate s; EventBridge counts minutes */
function spoken(rate: number): string {
  const minutes = rate / 60
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new Error(`A schedule cannot be every ${rate} seconds: only whole minutes are.`)
  return minutes === 1 ? '1 minute' : `${minutes} minutes`
}
