/** One readable log out of what the functions write: JSON lines made readable, each with the name of its function. */
import { prettyFactory } from 'pino-pretty'

/** Where a stack reports what happens in it. */
export interface StackLog {
  /** A line that a function wrote. */
  line(source: string, line: string): void
  /** A sentence of the stack's own. */
  note(message: string): void
}

export const silent: StackLog = { line() {}, note() {} }

/** Waits for a step of a start, and notes how long it took. @param step what is there when it is done: "DynamoDB Local" */
export const timed = async <T>({ note }: Pick<StackLog, 'note'>, step: string, starting: Promise<T>): Promise<T> => {
  const began = performance.now()
  const done = await starting
  note(`${step}: ready in ${secondsSince(began)}`)
  return done
}

/**
 * A log without the functions' lines of a step: the host says by itself what came of it. Where the step fails they stay
 * away, since the last ones come late.
 */
export const mutable = ({ line, note }: StackLog): StackLog & { mute<T>(step: () => Promise<T>): Promise<T> } => {
  let muted = false
  return {
    line(source, text) {
      if (!muted) line(source, text)
    },
    note,
    async mute(step) {
      muted = true
      const done = await step()
      muted = false
      return done
    },
  }
}

/** @param began of performance.now() */
export const secondsSince = (began: number): string => `${((performance.now() - began) / 1000).toFixed(1)} s`

/** Turns a line of a function's into one for people; undefined for what is not for people. */
export type LogFormat = (source: string, line: string) => string | undefined

const width = 16

export const createLogFormat = (colorize: boolean): LogFormat => {
  const pretty = prettyFactory({
    colorize,
    messageKey: 'message',
    ignore: 'pid,hostname,service',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  return (source, line) => {
    const parsed = parse(line)
    // Metrics for CloudWatch, which are lines of the log too.
    if (parsed !== undefined && '_aws' in parsed) return undefined
    // What keeps an instance from starting is said once, by the host, without the runtime client's stack.
    if (/\tInit Error \t/.test(line) || String(parsed?.message).startsWith('Init Error')) return undefined
    const text = parsed === undefined ? line : pretty(ofConsole(parsed))
    return `${source.padEnd(width)} ${text.trimEnd()}`
  }
}

const parse = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

const levels: Record<string, number> = { TRACE: 10, DEBUG: 20, INFO: 30, WARN: 40, ERROR: 50, FATAL: 60 }

/** The runtime client writes what goes to the console in its own shape where an instance takes several requests. */
const ofConsole = (entry: Record<string, unknown>): Record<string, unknown> => {
  if (typeof entry.level !== 'string' || typeof entry.timestamp !== 'string') return entry
  const { level, timestamp, message, ...rest } = entry
  return { level: levels[String(level)] ?? 30, time: Date.parse(String(timestamp)), message, ...rest }
}
