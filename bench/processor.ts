/** Processor time of processes, by Linux's books: where the time of a message goes. */
import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts in hundredths of a second. */
const TICK_MS = 10

interface Entry {
  pid: number
  parent: number
  command: string
  ms: number
}

/** What /proc says of a process; undefined: it is gone, or this machine has no /proc. */
function entryOf(pid: number): Entry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The command is in brackets, and may hold anything.
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    const ticks = Number(fields[11]) + Number(fields[12])
    return {
      pid,
      parent: Number(fields[1]),
      command: stat.slice(stat.indexOf('(') + 1, end),
      ms: ticks * TICK_MS,
    }
  } catch {
    return undefined
  }
}

/** Processor time so far, ms, of this process and all that it started, by `groupOf`. */
export function processorTimes(groupOf: (pid: number, command: string) => string): Map<string, number> {
  const entries = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (entryOf(Number(name)) ?? []) : []))
  const byPid = new Map(entries.map((entry) => [entry.pid, entry]))
  const isOurs = ({ pid, parent }: Entry): boolean => {
    const above = byPid.get(parent)
    return pid === process.pid || (above !== undefined && isOurs(above))
  }
  const times = new Map<string, number>()
  for (const entry of entries.filter(isOurs)) {
    const group = groupOf(entry.pid, entry.command)
    times.set(group, (times.get(group) ?? 0) + entry.ms)
  }
  return times
}
