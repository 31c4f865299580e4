/** Uploads that the bundler refused for good: which they are, and sending them again. */
import { resend } from '../../core/relay/set-aside.ts'
import { type Command, type Exit, exits, parse, UsageError, type Workplace } from '../command.ts'

export const uploads: Command = {
  usage: ['uploads list [--unit ENV] [--json]', 'uploads resend --all | ID… [--unit ENV] [--json]'],
  async run(args, workplace) {
    const { values, positionals } = parse(args, {
      all: { type: 'boolean' },
      unit: { type: 'string' },
      json: { type: 'boolean' },
    })
    const [action, ...ids] = positionals
    const { unit, json = false } = values
    if (action === 'list' && ids.length === 0 && !values.all) return list(workplace, unit, json)
    if (action === 'resend') {
      if ((values.all ?? false) === ids.length > 0) throw new UsageError('Name the ids to be sent again, or say --all.')
      return sendAgain(workplace, unit, values.all ? 'all' : new Set(ids), json)
    }
    throw new UsageError('Say what to do with uploads: list or resend.')
  },
}

async function list({ uploads, print }: Workplace, unit: string | undefined, json: boolean): Promise<Exit> {
  let count = 0
  for await (const item of uploads(unit).store.listSetAside()) {
    count++
    const { process, nonce, part, id, reason, at } = item
    if (json) print(JSON.stringify(item))
    else print(`${id}  ${part} of ${process}, nonce ${nonce}, since ${new Date(at).toISOString()}: ${reason}`)
  }
  if (!json) print(count === 0 ? 'Nothing is set aside.' : `${count} set aside.`)
  return exits.well
}

async function sendAgain(
  { uploads, print, complain }: Workplace,
  unit: string | undefined,
  which: ReadonlySet<string> | 'all',
  json: boolean,
): Promise<Exit> {
  const missing = new Set(which === 'all' ? [] : which)
  let taken = 0
  let left = 0
  for await (const { item, outcome } of resend(uploads(unit), which)) {
    missing.delete(item.id)
    if (outcome.kind === 'taken') taken++
    else left++
    const { process, nonce, part, id } = item
    if (json) print(JSON.stringify({ process, nonce, part, id, ...outcome }))
    else {
      const became = outcome.kind === 'taken' ? 'taken' : `${verdicts[outcome.kind]}: ${outcome.reason}`
      print(`${id}  ${part} of ${process}, nonce ${nonce}: ${became}`)
    }
  }
  for (const id of missing) complain(`${id} is not set aside.`)
  if (!json) print(`${taken} taken, ${left} still set aside.`)
  return left + missing.size === 0 ? exits.well : exits.undone
}

const verdicts = { 'set-aside': 'refused again', trouble: 'could not be sent' } as const
