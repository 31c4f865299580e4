/** Where a reader says that a segment is damaged: what it needed it has read from the log, and the segment is to be repaired. */
import type { DamagedSegment } from './segment-store.ts'

export interface SegmentDamage {
  /** Never fails, and is not waited for. May be told of the same block many times. */
  report(damage: DamagedSegment): void
}
