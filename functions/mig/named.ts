/** What an answer names, as much as it may hold: an answer of a function may have 6 MB. */
import type { Fault } from '../../core/audit/fault.ts'
import type { Notice } from '../../core/migration/order.ts'
import type { MessagesReport } from './messages.ts'

/** All of it together, bytes. */
const MAX_BYTES = 4_000_000

export interface Named {
  faults: ({ process: string } & Fault)[]
  notices: ({ process: string } & Notice)[]
  /** Processes of which nothing was brought in, or would be. */
  leftOut: string[]
}

export interface Names {
  add(report: MessagesReport): void
  readonly named: Named
  /** How many more there are, of each, that the answer has no room for; undefined: none. */
  readonly unnamed: Record<keyof Named, number> | undefined
}

export function createNames(maxBytes = MAX_BYTES): Names {
  const named: Named = { faults: [], notices: [], leftOut: [] }
  const unnamed = { faults: 0, notices: 0, leftOut: 0 }
  let bytes = 0
  const put = <K extends keyof Named>(kind: K, list: Named[K][number][], one: Named[K][number]) => {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    if (bytes <= maxBytes) list.push(one)
    else unnamed[kind]++
  }
  return {
    add({ process, outcome, faults, notices }) {
      if (outcome === 'left-out' || outcome === 'unsound') put('leftOut', named.leftOut, process)
      for (const fault of faults) put('faults', named.faults, { process, ...fault })
      for (const notice of notices) put('notices', named.notices, { process, ...notice })
    },
    named,
    get unnamed() {
      return unnamed.faults + unnamed.notices + unnamed.leftOut > 0 ? unnamed : undefined
    },
  }
}
