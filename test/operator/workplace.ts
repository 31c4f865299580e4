/** A workplace of the operator's commands in which nothing may be opened. */
import { systemClock } from '../../core/ports/clock.ts'
import type { Workplace } from '../../operator/command.ts'

const opened = () => {
  throw new Error('opened')
}

export const closed: Workplace = {
  uploads: opened,
  placements: opened,
  listedUnits: opened,
  unit: opened,
  gateway: opened,
  clock: systemClock,
  print() {},
  complain() {},
}
