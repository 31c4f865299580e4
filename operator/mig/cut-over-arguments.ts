/** How the cut-over is called. */
import { rootOf } from '../../functions/config/placements.ts'
import { type MessagesOrder, parseMessagesEvent } from '../../functions/mig/messages-event.ts'
import { parse, UsageError } from '../command.ts'
import { number, sourceFields, sourceOptions } from './messages-arguments.ts'
import { asUsage } from './usage.ts'

export interface CutOverCall {
  kind: 'cut-over'
  /** Everything of these processes, to be opened at the end. */
  order: MessagesOrder
  /** The old unit's address: scheme, host and port. */
  old: string
  /** How long its newest messages must have stood still, ms; undefined: what is usual. */
  settleMs: number | undefined
  /** How long it is waited for, ms; undefined: what is usual. */
  patienceMs: number | undefined
  /** The file of the report. */
  report: string | undefined
  json: boolean
  /** Which unit, where there are several. */
  where: string | undefined
}

/** Throws a UsageError. */
export function parseCutOverCall(args: readonly string[]): CutOverCall {
  const { values, positionals } = parse(args, {
    ...sourceOptions,
    old: { type: 'string' },
    'settle-ms': { type: 'string' },
    'patience-ms': { type: 'string' },
  })
  if (positionals.length > 0) throw new UsageError(`What is ${positionals.join(' ')}?`)
  const old = rootOf(values.old ?? '')
  if (old === undefined) throw new UsageError('Say where the old unit is: --old https://…, without a path.')
  const { messages: order } = asUsage(() => parseMessagesEvent({ messages: sourceFields(values) }))
  return {
    kind: 'cut-over',
    order,
    old,
    settleMs: number(values['settle-ms'], '--settle-ms'),
    patienceMs: number(values['patience-ms'], '--patience-ms'),
    report: values.report,
    json: values.json ?? false,
    where: values.unit,
  }
}
