/**
 * What an instance has seen of processes: how far they went, at which nonces cursors stand, and where the pages ended that it gave. A
 * client asks on with the last cursor it got, and mostly the same instance.
 */
import { LRUCache } from 'lru-cache'
import type { Head } from '../log/record.ts'

/** Where a timestamp stands. */
export interface TimePlace {
  /** The greatest nonce whose time key is at most the timestamp. */
  nonce: number
  /** Whether that is so for ever: a later record was seen. Otherwise it is a hint. */
  settled: boolean
}

/** Lives as long as the instance. */
export interface ProcessMemory {
  /** @param timestamp ms */
  recall(process: string, timestamp: number): TimePlace | undefined
  remember(process: string, timestamp: number, place: TimePlace): void
  /** The process's head as it was seen last, by somebody who might read it. Since then it has gone further, if anywhere. */
  head(process: string): Head | undefined
  saw(head: Head): void
  /** Whether a page that it gave lately ended with that nonce, and was not the last one. */
  endedAt(process: string, nonce: number): boolean
  pageEnded(process: string, nonce: number): void
}

const PROCESSES = 1_000

/** @param entries timestamps, and ends of pages, that it remembers at most */
export function createProcessMemory(entries = 10_000): ProcessMemory {
  const places = new LRUCache<string, TimePlace>({ max: entries })
  const heads = new LRUCache<string, Head>({ max: PROCESSES })
  const ends = new LRUCache<string, true>({ max: entries })
  return {
    recall: (process, timestamp) => places.get(`${process}/${timestamp}`),
    remember: (process, timestamp, place) => {
      places.set(`${process}/${timestamp}`, place)
    },
    head: (process) => heads.get(process),
    saw: (head) => {
      // Of two questions the later one may have had its answer first.
      if (head.next >= (heads.get(head.process)?.next ?? 0)) heads.set(head.process, head)
    },
    endedAt: (process, nonce) => ends.has(`${process}/${nonce}`),
    pageEnded: (process, nonce) => {
      ends.set(`${process}/${nonce}`, true)
    },
  }
}
