/** Where a block is cut: into segments by rendered bytes, into parts by nonces. It depends on the records alone. */
import type { Segment } from '../ports/segment-store.ts'

/** Bytes of a segment's nodes; a larger record is a segment by itself. */
export const MAX_SEGMENT_BYTES = 4_000_000

/** Records that are checked, and kept in memory, together. */
export const PART_RECORDS = 16

/** Whether a segment of so many bytes ends before a record of so many. */
export const endsBefore = (segmentBytes: number, recordBytes: number): boolean =>
  segmentBytes > 0 && segmentBytes + recordBytes > MAX_SEGMENT_BYTES

/** Nonces of each part of a segment, both inclusive. */
export function partRanges({ first, last }: Pick<Segment, 'first' | 'last'>): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = []
  for (let start = first; start <= last; ) {
    const end = Math.min(last, start - (start % PART_RECORDS) + PART_RECORDS - 1)
    ranges.push({ first: start, last: end })
    start = end + 1
  }
  return ranges
}
