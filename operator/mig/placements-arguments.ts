/** How bringing in placements is called. */
import { type PlacementsEvent, parsePlacementsEvent } from '../../functions/mig/placements-event.ts'
import { parse, UsageError } from '../command.ts'
import { asUsage } from './usage.ts'

export interface PlacementsCall {
  kind: 'placements'
  event: PlacementsEvent
  json: boolean
}

/** Throws a UsageError. */
export function parsePlacementsCall(args: readonly string[]): PlacementsCall {
  const { values, positionals } = parse(args, {
    from: { type: 'string' },
    unit: { type: 'string', multiple: true },
    'dry-run': { type: 'boolean' },
    after: { type: 'string' },
    json: { type: 'boolean' },
  })
  if (positionals.length > 0) throw new UsageError(`What is ${positionals.join(' ')}?`)
  if (values.from === undefined) throw new UsageError('Say where they are: --from postgresql://…')
  const { from, after = '0', json = false } = values
  if (!/^\d{1,15}$/.test(after)) throw new UsageError('--after is the number of a row.')
  const placements = { from, units: mapOf(values.unit ?? []), dryRun: values['dry-run'] ?? false, after: Number(after) }
  return { kind: 'placements', event: asUsage(() => parsePlacementsEvent({ placements })), json }
}

function mapOf(pairs: readonly string[]): Record<string, string> {
  const units = new Map<string, string>()
  for (const pair of pairs) {
    const [old = '', now = '', ...more] = pair.split('=')
    if (old === '' || now === '' || more.length > 0) throw new UsageError('A unit is named by --unit OLD=NEW.')
    if (units.has(old)) throw new UsageError(`--unit names ${old} twice.`)
    units.set(old, now)
  }
  return Object.fromEntries(units)
}
