/** How far it is, for whoever looks on: one line that is drawn anew on a terminal, and elsewhere a line now and then. */

export interface Progress {
  show(done: number, all: number): void
  /** Makes room for another line on the same terminal. */
  clear(): void
  /** Leaves the last line standing. */
  end(): void
}

/** Where nobody looks on, a log should not fill up with it. */
const EVERY_MS = 5_000
const WIDTH = 30
const CLEARED = '\r\u001B[K'

export interface ProgressOptions {
  /** To standard error: standard output is the report's. */
  write(text: string): void
  /** Whether that is a terminal. */
  terminal: boolean
  /** What is counted: "processes". */
  what: string
  now?(): number
}

export function createProgress({ write, terminal, what, now = Date.now }: ProgressOptions): Progress {
  let lastAt = Number.NEGATIVE_INFINITY
  let drawn = false
  return {
    show(done, all) {
      const finished = done >= all
      if (!terminal && !finished && now() - lastAt < EVERY_MS) return
      lastAt = now()
      const share = all === 0 ? 1 : Math.min(1, done / all)
      const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.')
      const text = `[${bar}] ${done} of ${all} ${what}`
      write(terminal ? `${CLEARED}${text}` : `${text}\n`)
      drawn = true
    },
    clear() {
      if (terminal && drawn) write(CLEARED)
    },
    end() {
      if (terminal && drawn) write('\n')
      drawn = false
    },
  }
}
