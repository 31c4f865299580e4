/** One readable log out of what the functions write: JSON lines made readable, each with the name of its function. */
import { prettyFactory } from 'pino-pretty'

/** Where a stack says what goes on. */
export interface StackLog {
  /** A line that a function wrote. */
  line(source: string, line: string): void
  /** What the stack itself has to say. */
  note(message: string): void
}

export const silent: StackLog = { line() {}, note() {} }

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
