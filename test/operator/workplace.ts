/** A workplace of the operator's commands in which nothing may be opened. */
import { systemClock } from '../../core/ports/clock.ts'
import type { Workplace } from '../../operator/command.ts'

const opened = () => {
  throw new Error('opened')
}

export const closed: Workplace = {
  uploads: opened,
  segments: opened,
  placements: opened,
  placementsOf: opened,
  listedUnits: opened,
  unit: opened,
  audit: opened,
  gateway: opened,
  location: opened,
  metadata: opened,
  restore: opened,
  distributions: () => [],
  clock: systemClock,
  print() {},
  complain() {},
  progress: () => ({ show() {}, clear() {}, end() {} }),
  interruption: () => new AbortController().signal,
  hint: 'Is the local stack running?',
}
