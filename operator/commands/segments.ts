/** Segments of processes: whether they are what the log has, and packing those that are not. */
import { hasCode } from '../../core/errors.ts'
import { type VerifiedBlock, verifySegments } from '../../core/segments/verify.ts'
import { type Command, exits, parse, processesIn, UsageError, type Workplace } from '../command.ts'

export const segments: Command = {
  usage: ['segments verify|build PROCESS[,PROCESS…] | --all [--json]'],
  async run(args, workplace) {
    const { values, positionals } = parse(args, { json: { type: 'boolean' }, all: { type: 'boolean' } })
    const [action, list, ...more] = positionals
    if (action !== 'verify' && action !== 'build') {
      throw new UsageError('Say what to do with segments: verify them, or build those that are missing or damaged.')
    }
    const { all = false } = values
    if (all === (list !== undefined)) throw new UsageError('Missing selection: name processes, or --all.')
    const processes = all ? everyProcess(workplace) : processesIn(list)
    if (more.length > 0) throw new UsageError(`What is ${more.join(' ')}?`)
    let well = true
    for await (const process of processes) {
      const sound = await one(workplace, process, { mend: action === 'build', json: values.json ?? false })
      well &&= sound
    }
    return well ? exits.well : exits.undone
  },
}

async function* everyProcess({ uploads }: Workplace): AsyncGenerator<string> {
  for await (const { process } of uploads().store.scan()) yield process
}

/** Whether all of it is sound now. */
async function one(
  { segments, print, complain }: Workplace,
  process: string,
  { mend, json }: { mend: boolean; json: boolean },
): Promise<boolean> {
  const counts: Record<VerifiedBlock['state'], number> = { sound: 0, packed: 0, missing: 0, damaged: 0, unsound: 0 }
  try {
    for await (const found of verifySegments(segments(), process, { mend })) {
      counts[found.state]++
      if (json) print(JSON.stringify({ process, ...found }))
      else if (found.state !== 'sound')
        print(`${process}: block ${found.block} ${became[found.state]}: ${found.what.join(', ')}`)
    }
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
    complain(error.message)
    return false
  }
  const { sound, packed, missing, damaged, unsound } = counts
  if (!json) {
    const mended = mend ? `, ${packed} packed now` : ''
    print(
      `${process}: ${sound} blocks sound${mended}, ${missing} missing, ${damaged} damaged, ${unsound} unsound in the log.`,
    )
  }
  return missing + damaged + unsound === 0
}

const became: Record<VerifiedBlock['state'], string> = {
  sound: 'is sound',
  packed: 'is packed again',
  missing: 'is missing',
  damaged: 'is damaged',
  unsound: 'is unsound in the log, and not packed',
}
