/** What an operator asks of the router's one-off invocation. */
import * as v from 'valibot'
import { originOf, type UnitMap } from '../../core/placement/import-plan.ts'
import type { postgresUrl } from '../config/variables.ts'
import { object, parseEvent, source, wholeNumber, yesOrNo } from './event-parts.ts'

/** A Rust router's placements are to be brought in. */
export interface PlacementsOrder {
  /** The address of its Postgres. */
  from: v.InferOutput<typeof postgresUrl>
  units: UnitMap
  dryRun: boolean
  /** The row after which to begin: what an answer that was not done gave. */
  after: number
}

export interface PlacementsEvent {
  placements: PlacementsOrder
}

/** From addresses to addresses, compared as origins: with or without a slash at the end they are the same. */
const unitMap = v.pipe(
  v.record(
    v.string(),
    v.string('must be an address.'),
    'must be an object: the old address of each unit, and its new one.',
  ),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }): UnitMap => {
    const units = new Map<string, string>()
    const problems: string[] = []
    for (const [from, to] of Object.entries(value)) {
      const [old, now] = [originOf(from), originOf(to)]
      if (old === undefined) problems.push(`${from} is no address that begins with http:// or https://`)
      else if (units.has(old)) problems.push(`${old} is there twice`)
      if (now === undefined) problems.push(`${to} is no address that begins with http:// or https://`)
      if (old !== undefined && now !== undefined) units.set(old, now)
    }
    if (units.size === 0 && problems.length === 0) problems.push('no unit is named')
    if (problems.length === 0) return units
    addIssue({ message: `is wrong: ${problems.join('; ')}.` })
    return NEVER
  }),
)

const schema = object({
  placements: object({
    from: source,
    units: unitMap,
    dryRun: yesOrNo,
    after: v.optional(wholeNumber('must be the number of a row: 0 or more.'), 0),
  }),
})

/** Fails with `invalid-request`: a sentence for each thing that is wrong, none of which shows the source's address. */
export const parsePlacementsEvent = (event: unknown): PlacementsEvent => parseEvent(schema, event)
