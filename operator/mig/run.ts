/** Runs what an operator asked to be brought in, in this process: everything but the process around it. */
import { SchedulerError } from '../../core/errors.ts'
import { ConfigurationError } from '../../functions/config/parse.ts'
import type { PlacementsOrder } from '../../functions/mig/event.ts'
import { bringInPlacements, type PlacementsAnswer, type PlacementsParts } from '../../functions/mig/placements.ts'
import { type Exit, exits, UsageError } from '../command.ts'
import { createProgress } from '../progress.ts'
import { help, parseCall } from './arguments.ts'

/** What it works on, made when it is needed: a wrong call opens nothing. */
export interface MigWorkplace {
  parts(): PlacementsParts
  /** A line of the report. */
  print(line: string): void
  /** Text as it is on standard error, for what goes wrong and for how far it is. */
  warn(text: string): void
  /** Whether standard error is a terminal. */
  terminal: boolean
}

export async function run(args: readonly string[], workplace: MigWorkplace): Promise<Exit> {
  const complain = (line: string) => workplace.warn(`${line}\n`)
  try {
    const call = parseCall(args)
    if (call === undefined) {
      workplace.print(help)
      return exits.well
    }
    const answer = await placements(call.event.placements, workplace)
    if (call.json) workplace.print(JSON.stringify(answer))
    else report(answer, workplace.print, complain)
    const { done, conflicts, leftOut } = answer
    return done && conflicts.length + leftOut.length === 0 ? exits.well : exits.undone
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`${error.message}\n\n${help}`)
      return exits.misused
    }
    if (!(error instanceof SchedulerError || error instanceof ConfigurationError)) throw error
    complain(error.message)
    if (error instanceof ConfigurationError) complain('Is the local stack running, with --regions? It writes env.json.')
    return exits.undone
  }
}

/** Nothing limits it here: neither time nor the size of an answer. */
async function placements(order: PlacementsOrder, { parts, warn, terminal }: MigWorkplace): Promise<PlacementsAnswer> {
  const progress = createProgress({ write: warn, terminal, what: 'processes' })
  try {
    return await bringInPlacements(
      parts(),
      order,
      { deadline: Number.POSITIVE_INFINITY, named: Number.POSITIVE_INFINITY },
      {
        onLeftOut: ({ row, process, reason }) => warn(`Left out: row ${row}, ${JSON.stringify(process)}: ${reason}.\n`),
        onProgress: ({ placed, there, conflicts, leftOut, processes }) => {
          progress.show(placed + there + conflicts.length + leftOut.length, processes)
        },
      },
    )
  } finally {
    progress.end()
  }
}

function report(answer: PlacementsAnswer, print: (line: string) => void, complain: (line: string) => void): void {
  for (const { from, to, processes } of answer.units) print(`${from} -> ${to}: ${processes} in the source.`)
  for (const { process, stands, wanted } of answer.conflicts) {
    complain(`${process} stands at ${stands}, and was to be at ${wanted}: left as it is.`)
  }
  const { placed, there, conflicts, leftOut, dryRun, stopped, after } = answer
  print(
    [
      `${placed} ${dryRun ? 'would be placed' : 'placed'}`,
      `${there} there already`,
      `${conflicts.length} at another unit`,
      `${leftOut.length} left out.`,
    ].join(', '),
  )
  if (stopped !== undefined) complain(`${stopped}\nGo on with --after ${after}.`)
}
