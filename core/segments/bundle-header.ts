/** The header of an ANS-104 bundle by itself: of a segment's bundle it is read before, and often without, the items. */
import { readUInt64 } from '../ans104/uint64.ts'

const NUMBER_BYTES = 32
const ENTRY_BYTES = 64

export const bundleHeaderBytes = (items: number): number => NUMBER_BYTES + items * ENTRY_BYTES

/** Length and id of each item. @param header all of it and nothing else, checked to be what was written */
export const bundleEntries = (header: Buffer): { id: string; bytes: number }[] =>
  Array.from({ length: (header.length - NUMBER_BYTES) / ENTRY_BYTES }, (_, index) => {
    const entry = header.subarray(bundleHeaderBytes(index), bundleHeaderBytes(index + 1))
    return { bytes: readUInt64(entry), id: entry.toString('base64url', NUMBER_BYTES) }
  })
