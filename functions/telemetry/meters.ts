/** Several meters as one. */
import type { Meter } from '../../core/ports/meter.ts'

export const allOf = (...meters: readonly Meter[]): Meter => ({
  time(name, ms) {
    for (const meter of meters) meter.time(name, ms)
  },
  count(name, by) {
    for (const meter of meters) meter.count(name, by)
  },
})
