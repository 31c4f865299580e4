/** What an operator asks of a unit's one-off invocation: a Rust unit's messages are to be brought in. */
import * as v from 'valibot'
import { isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import type { MigrationOrder } from '../../core/migration/order.ts'
import { parseRange } from '../../core/migration/range.ts'
import type { RowRange } from '../../core/ports/migration-source.ts'
import { httpUrl } from '../config/variables.ts'
import type { MessagesCursor } from './cursor.ts'
import { object, parseEvent, source, wholeNumber, yesOrNo } from './event-parts.ts'
import type { SourceOrder } from './sources.ts'

export interface MessagesOrder {
  source: SourceOrder
  order: Omit<MigrationOrder, 'after'>
  /** Where to go on: what an answer that was not done gave. */
  after: MessagesCursor | undefined
  /** Rows that are read at once, instead of MIGRATION_BATCH_SIZE. */
  batchSize: number | undefined
}

export interface MessagesEvent {
  messages: MessagesOrder
  /** Calls itself on where its time does not do for all. */
  continues: boolean
  /** So many calls came before this one. */
  calls: number
}

const id = v.pipe(v.string('must be an id.'), v.check(isId, 'must be an id of 43 base64url characters.'))

const listOf = <T>(item: v.GenericSchema<unknown, T>, what: string) =>
  v.optional(v.pipe(v.array(item, `must be a list of ${what}.`), v.minLength(1, `names no ${what}.`)))

const rows = v.pipe(
  v.string('must be a text: "0", "0-1000" or "1000".'),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): RowRange => {
    try {
      return parseRange(value)
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      addIssue({ message: error.message })
      return NEVER
    }
  }),
)

const endings = ['open', 'frozen', 'history'] as const
const milliseconds = wholeNumber('must be a time in ms since 1970.')

/** A damaged source may have processes whose ids are none. */
const sourceProcess = v.string('must be a process of the source.')

const cursor = object({
  database: v.optional(v.string('must be the name of a database.')),
  process: v.optional(sourceProcess),
  at: v.optional(
    object({
      process: sourceProcess,
      step: v.picklist(['audit', 'copy', 'compare'], 'must be audit, copy or compare.'),
      nonce: wholeNumber('must be a nonce.', -1),
    }),
  ),
})

const schema = object({
  messages: v.pipe(
    object({
      from: v.optional(source),
      databases: listOf(
        v.pipe(v.string('must be the name of a database.'), v.nonEmpty('must be the name of a database.')),
        'databases',
      ),
      tenantsOf: v.optional(v.pipe(v.string('must be the address of a unit.'), httpUrl)),
      rows: v.optional(rows, '0'),
      processes: listOf(id, 'processes'),
      auditOnly: yesOrNo,
      ending: v.optional(v.picklist(endings, `must be one of ${endings.join(', ')}.`), 'open'),
      despiteFaults: yesOrNo,
      reuploadSince: v.optional(milliseconds),
      after: v.optional(cursor),
      batchSize: v.optional(wholeNumber('must be a number of rows from 1 to 10000.', 1, 10_000)),
      continue: yesOrNo,
      calls: v.optional(wholeNumber('is counted by the function itself.'), 0),
    }),
    v.check(
      ({ databases, tenantsOf }) => databases === undefined || tenantsOf === undefined,
      'has both databases and tenantsOf: one of them says which databases there are.',
    ),
  ),
})

/** Fails with `invalid-request`: a sentence for each thing that is wrong, none of which shows the source's address. */
export function parseMessagesEvent(event: unknown): MessagesEvent {
  const { messages } = parseEvent(schema, event)
  const { from, databases, tenantsOf, after, batchSize, calls, continue: continues, ...order } = messages
  return {
    messages: { source: { from, databases, tenantsOf }, order, after, batchSize },
    continues,
    calls,
  }
}
