/** A unit's one-off invocation: what is asked by its event, what became of it in its answer, and all of it in the log. */
import type { Context } from 'aws-lambda'
import { SchedulerError } from '../../core/errors.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CallOn } from './call-on.ts'
import { deadlineOf, type TimedContext } from './deadline.ts'
import {
  type BroughtIn,
  bringInMessages,
  type MessagesAnswer,
  type MessagesParts,
  type MessagesReport,
} from './messages.ts'
import { parseMessagesEvent } from './messages-event.ts'
import { createNames, type Named } from './named.ts'

export interface MessagesHandlerDeps extends MessagesParts {
  callOn: CallOn
  log: Pick<Logger, 'info' | 'warn' | 'error'>
}

export type MessagesContext = TimedContext & Pick<Context, 'functionName'>

export interface HandlerAnswer extends MessagesAnswer {
  /** It has called itself on: another invocation does the rest. */
  continued?: true
  named: Named
  /** How many more there are that the answer has no room for; the log has them. */
  unnamed?: Record<keyof Named, number>
}

/** Further calls at most: four days of a quarter of an hour each, which cost ten dollars. */
const MAX_CALLS = 400

/** An asynchronous call takes 1 MB; until 2025 it was 256 KB. */
const MAX_EVENT_BYTES = 250_000

/** Faults of a process that are logged one by one: a history that is damaged all along would fill the log. */
const MAX_LOGGED = 100

/**
 * Answers what was done, and where to go on if it is not all (`done: false`, `after`). An event that is wrong, or does not fit what is
 * there, is an error that says so, and nothing is written. A call may come twice: all of it is idempotent.
 */
export function createMessagesHandler({ log, callOn, ...parts }: MessagesHandlerDeps) {
  return async (event: unknown, context: MessagesContext): Promise<HandlerAnswer> => {
    const { messages, continues, calls } = parseMessagesEvent(event)
    if (continues) assertCanBeCarried(event)
    const names = createNames()
    const brought = await bringInMessages(
      parts,
      messages,
      { deadline: deadlineOf(parts.clock, context) },
      {
        onProcess(report) {
          names.add(report)
          logReport(log, report)
        },
        onProgress: () => undefined,
      },
    )
    const next = continues ? await goOn(event, calls, brought, context.functionName, { log, callOn }) : {}
    const answer = { ...brought.answer, ...next }
    log.info({ ...answer, calls }, answer.done ? 'Messages were brought in.' : 'Messages were brought in, not all yet.')
    const { named, unnamed } = names
    return { ...answer, named, ...(unnamed && { unnamed }) }
  }
}

/** Calls the function again with the same event, where it came further than before: else it would go on for ever. */
async function goOn(
  event: unknown,
  calls: number,
  { answer, advanced }: BroughtIn,
  functionName: string,
  { log, callOn }: Pick<MessagesHandlerDeps, 'log' | 'callOn'>,
): Promise<{ continued?: true; stopped?: string }> {
  if (answer.done) return {}
  const stopped = (why: string) => ({ stopped: `${answer.stopped} ${why}` })
  if (!advanced) return stopped('It came no further than before, and does not call itself on.')
  if (calls >= MAX_CALLS) return stopped(`It has called itself on ${calls} times, and does not do so again.`)
  try {
    await callOn(functionName, carried(event, { after: answer.after, calls: calls + 1 }))
    return { continued: true }
  } catch (err) {
    log.error({ err }, 'The function could not call itself on.')
    return stopped('It could not call itself on.')
  }
}

/** The event otherwise as it came. */
function carried(event: unknown, next: object): string {
  const { messages } = event as { messages: object }
  return JSON.stringify({ messages: { ...messages, ...next } })
}

function assertCanBeCarried(event: unknown): void {
  if (Buffer.byteLength(JSON.stringify(event)) <= MAX_EVENT_BYTES) return
  throw new SchedulerError(
    'invalid-request',
    'The event is too long to be handed on (messages.continue): name fewer processes, or call it on by hand.',
  )
}

function logReport(
  log: MessagesHandlerDeps['log'],
  { process, outcome, faults, notices, ...report }: MessagesReport,
): void {
  const { database } = report
  const of = { process, ...(database !== undefined && { database }) }
  for (const fault of faults.slice(0, MAX_LOGGED)) log.warn({ ...of, ...fault }, 'A fault of the source.')
  for (const notice of notices.slice(0, MAX_LOGGED)) log.info({ ...of, ...notice }, 'To be known of a process.')
  if (faults.length > 0 || outcome === 'left-out' || outcome === 'unsound') {
    log.warn({ ...of, outcome, faults: faults.length, source: report.source }, 'A process has faults.')
  }
}
