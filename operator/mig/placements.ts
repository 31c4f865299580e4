/** Brings in what a Rust router has placed, in this process. */

import { bringInPlacements, type PlacementsAnswer } from '../../functions/mig/placements.ts'
import type { PlacementsOrder } from '../../functions/mig/placements-event.ts'
import { type Exit, exits } from '../command.ts'
import { createProgress } from '../progress.ts'
import type { PlacementsCall } from './placements-arguments.ts'
import type { MigWorkplace } from './workplace.ts'

export async function runPlacements({ event, json }: PlacementsCall, workplace: MigWorkplace): Promise<Exit> {
  const answer = await bringIn(event.placements, workplace)
  if (json) workplace.print(JSON.stringify(answer))
  else report(answer, workplace.print, (line) => workplace.warn(`${line}\n`))
  const { done, conflicts, leftOut } = answer
  return done && conflicts.length + leftOut.length === 0 ? exits.well : exits.undone
}

/** Nothing limits it here: neither time nor the size of an answer. */
async function bringIn(order: PlacementsOrder, workplace: MigWorkplace): Promise<PlacementsAnswer> {
  const { placements, warn, terminal } = workplace
  const progress = createProgress({ write: warn, terminal, what: 'processes' })
  try {
    return await bringInPlacements(
      placements(),
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
