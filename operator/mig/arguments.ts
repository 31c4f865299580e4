/** How the migration is called. */
import { parseArgs } from 'node:util'
import { SchedulerError } from '../../core/errors.ts'
import { type MigEvent, parseMigEvent } from '../../functions/mig/event.ts'
import { UsageError } from '../command.ts'

export interface Call {
  event: MigEvent
  json: boolean
}

export const help = [
  'Brings in what another system has. It works for the router of the running local stack (of its STATE_DIR, .local unless',
  'set), or for the one that the environment describes.',
  '',
  'Usage:',
  '  npm run mig -- placements --from postgresql://… --unit OLD=NEW [--unit OLD=NEW …] [--dry-run] [--after ROW] [--json]',
  '',
  '  placements   what a Rust router has placed: each process is placed on the unit that has the new address of its old one',
  '  --from       the address of its Postgres; how the connection is secured is said there (sslmode=…)',
  '  --unit       the old address of a unit, and its new one, which the router lists; every old unit with processes needs one',
  '  --dry-run    writes nothing, and says what would be done',
  '  --after      goes on after this row of the source, where an earlier run stopped',
  '  --json       the report as one JSON object',
  '',
  'It may be done again: what stands is never moved. Exit status: 0 everything stands as it is asked for (in a dry run: would',
  'stand); 1 something is left undone, which is said; 2 the command was called wrongly.',
].join('\n')

/** Undefined where help is asked for. Throws a UsageError. */
export function parseCall(args: readonly string[]): Call | undefined {
  const { values, positionals } = parsed(args)
  const [what = 'help', ...more] = positionals
  if (values.help || what === 'help') return undefined
  if (what !== 'placements') throw new UsageError(`There is nothing called ${what} to be brought in.`)
  if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
  if (values.from === undefined) throw new UsageError('Say where they are: --from postgresql://…')
  const { from, after = '0', json = false } = values
  if (!/^\d{1,15}$/.test(after)) throw new UsageError('--after is the number of a row.')
  const placements = { from, units: mapOf(values.unit ?? []), dryRun: values['dry-run'] ?? false, after: Number(after) }
  try {
    return { event: parseMigEvent({ placements }), json }
  } catch (error) {
    throw error instanceof SchedulerError ? new UsageError(error.message) : error
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      strict: true,
      options: {
        from: { type: 'string' },
        unit: { type: 'string', multiple: true },
        'dry-run': { type: 'boolean' },
        after: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
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
