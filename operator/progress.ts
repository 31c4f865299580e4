/** How far a command is: one line that a terminal redraws; in a pipe or a file plain lines, far apart, for long runs only. */

export interface Progress {
  show(done: number, all: number): void
  /** Makes room for another line on the same terminal. */
  clear(): void
  /** Keeps the last line on a terminal. */
  end(): void
}

/** Between two lines in a log, and before the first one: a short run leaves none. */
const EVERY_MS = 30_000
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
  let lastAt = now()
  let drawn = false
  return {
    show(done, all) {
      const text = `${done} of ${all} ${what}`
      if (terminal) {
        const share = all === 0 ? 1 : Math.min(1, done / all)
        const bar = '#'.repeat(Math.round(share * WIDTH)).padEnd(WIDTH, '.')
        write(`${CLEARED}[${bar}] ${text}`)
        drawn = true
      } else if (now() - lastAt >= EVERY_MS) {
        lastAt = now()
        write(`${text}\n`)
      }
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
