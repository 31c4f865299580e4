/** What events of one-off invocations are made of. */
import * as v from 'valibot'
import { SchedulerError } from '../../core/errors.ts'
import { postgresUrl } from '../config/variables.ts'

/** With these fields and no others: a misspelt one is a mistake. */
export const object = <const E extends v.ObjectEntries>(entries: E) =>
  v.strictObject(entries, ({ expected, received }) => {
    if (expected === 'never') return 'is not known.'
    return received === 'undefined' ? 'is missing.' : 'must be an object.'
  })

/** The address of a Postgres, a secret from here on. */
export const source = v.pipe(v.string('must be a connection string that begins with postgresql://.'), postgresUrl)

export const yesOrNo = v.optional(v.boolean('must be true or false.'), false)

/** @param message what it must be */
export const wholeNumber = (message: string, min = 0, max = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(message), v.safeInteger(message), v.minValue(min, message), v.maxValue(max, message))

/** Fails with `invalid-request`: a sentence for each thing that is wrong, none of which shows a source's address. */
export function parseEvent<T>(schema: v.GenericSchema<unknown, T>, event: unknown): T {
  const parsed = v.safeParse(schema, event)
  if (parsed.success) return parsed.output
  const sentences = parsed.issues.map(({ path, message }) => {
    const where = (path ?? []).map(({ key }) => String(key)).join('.')
    return `${where === '' ? 'The event' : where} ${message}`
  })
  throw new SchedulerError('invalid-request', [...new Set(sentences)].join(' '))
}
