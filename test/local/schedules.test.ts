/** Schedules: once at the start, then at their rate, whatever becomes of a call. */
import { expect, test } from 'vitest'
import type { Outcome } from '../../local/lambda/invocation.ts'
import { startSchedules } from '../../local/schedules.ts'

test('a function is called at the start and then at its rate, until the stop', async () => {
  const failures: string[] = []
  let calls = 0
  const invoke = async (): Promise<Outcome> => {
    calls++
    return calls === 2 ? { kind: 'failed', errorType: 'Error', message: 'oh' } : { kind: 'answered', body: 'null' }
  }
  const schedules = startSchedules([{ lambda: { name: 'height', invoke }, rate: 0.05 }], (message) =>
    failures.push(message),
  )
  await schedules.first
  expect(calls).toBe(1)
  await expect.poll(() => calls, { timeout: 5_000 }).toBeGreaterThan(3)
  schedules.stop()
  const atStop = calls
  await new Promise((resolve) => setTimeout(resolve, 150))
  expect(calls).toBe(atStop)
  expect(failures).toEqual(['height: Error: oh'])
})
