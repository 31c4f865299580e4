/** How bringing in messages is called. */
import { type MessagesOrder, parseMessagesEvent } from '../../functions/mig/messages-event.ts'
import { parse, UsageError } from '../command.ts'
import { asUsage } from './usage.ts'

export interface MessagesCall {
  kind: 'messages'
  order: MessagesOrder
  /** The file of the report. */
  report: string | undefined
  json: boolean
  /** Which unit, where there are several. */
  where: string | undefined
}

/** What says where the old unit's messages are, and which of them, the same for all calls about them. */
export const sourceOptions = {
  from: { type: 'string' },
  db: { type: 'string', multiple: true },
  'tenants-of': { type: 'string' },
  process: { type: 'string', multiple: true },
  'reupload-since': { type: 'string' },
  batch: { type: 'string' },
  report: { type: 'string' },
  json: { type: 'boolean' },
  unit: { type: 'string' },
} as const

export interface SourceValues {
  from?: string | undefined
  db?: string[] | undefined
  'tenants-of'?: string | undefined
  process?: string[] | undefined
  'reupload-since'?: string | undefined
  batch?: string | undefined
}

/** As the event has them. Throws a UsageError. */
export const sourceFields = (values: SourceValues) => ({
  from: values.from,
  databases: values.db,
  tenantsOf: values['tenants-of'],
  processes: values.process?.flatMap((list) => list.split(',').filter((id) => id !== '')),
  reuploadSince: number(values['reupload-since'], '--reupload-since'),
  batchSize: number(values.batch, '--batch'),
})

/** Throws a UsageError. @param range the first argument */
export function parseMessagesCall(range: string, args: readonly string[]): MessagesCall {
  const { values, positionals } = parse(args, {
    ...sourceOptions,
    'audit-only': { type: 'boolean' },
    live: { type: 'boolean' },
    'history-only': { type: 'boolean' },
    'despite-faults': { type: 'boolean' },
    after: { type: 'string' },
  })
  if (positionals.length > 0) throw new UsageError(`What is ${positionals.join(' ')}?`)
  if (values.live && values['history-only']) {
    throw new UsageError('--live and --history-only are two ends: say one of them.')
  }
  const messages = {
    ...sourceFields(values),
    rows: range,
    auditOnly: values['audit-only'] ?? false,
    ending: values.live ? 'frozen' : values['history-only'] ? 'history' : 'open',
    despiteFaults: values['despite-faults'] ?? false,
    after: cursorIn(values.after),
  }
  const { messages: order } = asUsage(() => parseMessagesEvent({ messages }))
  return { kind: 'messages', order, report: values.report, json: values.json ?? false, where: values.unit }
}

export function number(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new UsageError(`${option} is a number.`)
}

function cursorIn(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError('--after is what an earlier run has said, as it stands there.')
  }
}
