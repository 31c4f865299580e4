/** Calls functions at their rates, as EventBridge does, and once at the start. */
import type { LambdaFunction } from './lambda/function.ts'

export interface Schedule {
  lambda: Pick<LambdaFunction, 'name' | 'invoke'>
  /** Time between two calls, s. */
  rate: number
}

export interface Schedules {
  /** Resolves when each has been called once, whatever came of it. */
  first: Promise<void>
  stop(): void
}

export const startSchedules = (schedules: readonly Schedule[], onFailure: (message: string) => void): Schedules => {
  let stopped = false
  const call = async ({ lambda, rate }: Schedule): Promise<void> => {
    const event = { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', time: new Date().toISOString(), rate }
    const outcome = await lambda.invoke(JSON.stringify(event))
    if (outcome.kind === 'streaming') outcome.body.resume()
    // What the stop ended did not fail.
    if (stopped) return
    if (outcome.kind === 'failed') onFailure(`${lambda.name}: ${outcome.errorType}: ${outcome.message}`)
    if (outcome.kind === 'throttled') onFailure(`${lambda.name}: no instance was free`)
  }
  const timers = schedules.map((schedule) => setInterval(() => void call(schedule), schedule.rate * 1000))
  return {
    first: Promise.all(schedules.map(call)).then(() => {}),
    stop() {
      stopped = true
      for (const timer of timers) clearInterval(timer)
    },
  }
}
