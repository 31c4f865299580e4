/** Uploads processes again from a time on (contract, "Upload": `reupload_bundles PID[,PID…] SINCE_MS [DELAY_MS]`). */
import { hasCode } from '../../core/errors.ts'
import { type Reuploaded, reupload } from '../../core/relay/reupload.ts'
import { type Command, exits, parse, processesIn, UsageError, type Workplace } from '../command.ts'

interface Plan {
  unit: string | undefined
  since: number
  delayMs: number
  json: boolean
}

export const reuploadCommand: Command = {
  usage: ['reupload PROCESS[,PROCESS…] SINCE_MS [DELAY_MS] [--unit ENV] [--json]'],
  async run(args, workplace) {
    const { values, positionals } = parse(args, { unit: { type: 'string' }, json: { type: 'boolean' } })
    const [list = '', since = '', delay = '0', ...more] = positionals
    const processes = processesIn(list)
    const plan = {
      unit: values.unit,
      since: milliseconds(since, 'Say since when: milliseconds since 1970, 0 for everything.'),
      delayMs: milliseconds(delay, 'The delay between two records is a number of milliseconds.'),
      json: values.json ?? false,
    }
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    let undone = false
    for (const [index, process] of processes.entries()) {
      const outcome = await again(workplace, process, plan)
      undone ||= outcome !== 'done'
      const rest = processes.slice(index + 1).join(',')
      if (outcome === 'in trouble' && rest !== '') {
        workplace.complain(`Not begun: reupload ${rest} ${plan.since} ${plan.delayMs}${unitFlag(plan)}`)
      }
      if (outcome === 'in trouble') break
    }
    return undone ? exits.undone : exits.well
  },
}

/** One process. The bundler's trouble ends it: what it would do to the rest can be guessed. */
async function again(
  { uploads, print, complain }: Workplace,
  process: string,
  plan: Plan,
): Promise<'done' | 'partly' | 'in trouble'> {
  const { unit, since, delayMs, json } = plan
  let taken = 0
  let refused = 0
  try {
    for await (const record of reupload(uploads(unit), process, { since, delayMs })) {
      if (json) print(JSON.stringify(record))
      taken += record.parts.filter(({ outcome }) => outcome.kind === 'taken').length
      refused += record.parts.filter(({ outcome }) => outcome.kind === 'dead-letter').length
      const trouble = troubleOf(record)
      if (trouble === undefined) continue
      complain(`${process}: stopped at nonce ${record.nonce}: ${trouble}`)
      complain(`Go on with: reupload ${process} ${record.timeKey} ${delayMs}${unitFlag(plan)}`)
      return 'in trouble'
    }
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
    complain(error.message)
    return 'partly'
  } finally {
    if (!json) print(`${process}: ${taken} taken, ${refused} refused: dead letters.`)
  }
  return refused === 0 ? 'done' : 'partly'
}

const unitFlag = ({ unit }: Plan): string => (unit === undefined ? '' : ` --unit ${unit}`)

const troubleOf = ({ parts }: Reuploaded): string | undefined =>
  parts.flatMap(({ outcome }) => (outcome.kind === 'trouble' ? outcome.reason : []))[0]

function milliseconds(text: string, complaint: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(complaint)
  return Number(text)
}
