/** Owed parts and dead letters: listed, sent again, or given up. */
import type { Owed } from '../../core/ports/relay-store.ts'
import { listOwed, resend, type Selection, skip } from '../../core/relay/owed.ts'
import { type Command, type Exit, exits, parse, processIn, UsageError, type Workplace } from '../command.ts'

export const uploads: Command = {
  usage: [
    'uploads list [PROCESS] [--unit ENV] [--json]',
    'uploads resend --all | ID… [--unit ENV] [--json]',
    'uploads skip ID… [--unit ENV] [--json]',
  ],
  async run(args, workplace) {
    const { values, positionals } = parse(args, {
      all: { type: 'boolean' },
      unit: { type: 'string' },
      json: { type: 'boolean' },
    })
    const [action, ...ids] = positionals
    const { unit, json = false, all = false } = values
    switch (action) {
      case 'list':
        if (ids.length > 1 || all) break
        return list(workplace, unit, ids[0] === undefined ? undefined : processIn(ids[0]), json)
      case 'resend':
        if (all === ids.length > 0) throw new UsageError('Missing selection: name the ids to send again, or --all.')
        return sendAgain(workplace, unit, all ? 'all' : new Set(ids), json)
      case 'skip':
        if (ids.length === 0 || all) throw new UsageError('Missing selection: name the ids to skip.')
        return giveUp(workplace, unit, new Set(ids), json)
    }
    throw new UsageError('Missing subcommand: list, resend or skip.')
  },
}

/** An owed part in one line, without its process. */
export function describeOwed({ id, sink, part, nonce, since, tries, next, reason }: Owed): string {
  const state = next === undefined ? 'dead letter' : `next attempt ${new Date(next).toISOString()}`
  const attempts = `${tries} ${tries === 1 ? 'attempt' : 'attempts'} since ${new Date(since).toISOString()}`
  return `${id}  ${sink}, ${part} of nonce ${nonce}, ${state}, ${attempts}: ${reason}`
}

async function list(
  { uploads, print }: Workplace,
  unit: string | undefined,
  process: string | undefined,
  json: boolean,
): Promise<Exit> {
  let owed = 0
  let deadLetters = 0
  for await (const part of listOwed(uploads(unit).store, process)) {
    if (part.next === undefined) deadLetters++
    else owed++
    print(json ? JSON.stringify(part) : `${part.process}  ${describeOwed(part)}`)
  }
  if (!json) print(`${owed} owed, ${deadLetters} dead letters.`)
  return exits.well
}

async function sendAgain(
  { uploads, print, complain }: Workplace,
  unit: string | undefined,
  which: Selection,
  json: boolean,
): Promise<Exit> {
  const missing = new Set(which === 'all' ? [] : which)
  let done = 0
  let left = 0
  for await (const { part, outcome } of resend(uploads(unit), which)) {
    missing.delete(part.id)
    if (outcome.kind === 'done') done++
    else left++
    const { process, nonce, sink, part: name, id } = part
    const became = outcome.kind === 'done' ? 'done' : `${outcome.kind}: ${outcome.reason}`
    if (json) print(JSON.stringify({ process, sink, nonce, part: name, id, ...outcome }))
    else print(`${id}  ${sink}, ${name} of ${process}, nonce ${nonce}: ${became}`)
  }
  for (const id of missing) complain(`${id}: neither owed nor a dead letter. See uploads list.`)
  if (!json) print(`${done} done, ${left} still owed.`)
  return left + missing.size === 0 ? exits.well : exits.undone
}

async function giveUp(
  { uploads, print, complain }: Workplace,
  unit: string | undefined,
  ids: ReadonlySet<string>,
  json: boolean,
): Promise<Exit> {
  const missing = new Set(ids)
  for await (const part of skip(uploads(unit).store, ids)) {
    missing.delete(part.id)
    print(
      json
        ? JSON.stringify(part)
        : `${part.id}  ${part.sink}, ${part.part} of ${part.process}, nonce ${part.nonce}: skipped`,
    )
  }
  for (const id of missing) complain(`${id}: neither owed nor a dead letter. See uploads list.`)
  return missing.size === 0 ? exits.well : exits.undone
}
