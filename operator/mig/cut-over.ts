/** Takes processes over from a Rust unit that goes on, in this process. */
import { type CutOverAnswer, type CutOverReport, cutOver } from '../../core/migration/cut-over.ts'
import { sourcesOf } from '../../functions/mig/sources.ts'
import { type Exit, exits } from '../command.ts'
import type { CutOverCall } from './cut-over-arguments.ts'
import { createShow } from './messages.ts'
import { openReport, shownOrder, shownReport } from './report-file.ts'
import type { MigWorkplace } from './workplace.ts'

/** Longer than any request to the old unit takes: its load balancer has given up on it by then. */
const SETTLE_MS = 60_000
/** An operator has frozen the processes by then. */
const PATIENCE_MS = 900_000

export async function runCutOver(call: CutOverCall, workplace: MigWorkplace): Promise<Exit> {
  const { order, settleMs = SETTLE_MS, patienceMs = PATIENCE_MS } = call
  const parts = workplace.messages(call.where)
  const target = await parts.openTarget()
  const sources = await sourcesOf(order.source, order.order.rows, parts.sources)
  const asked = { ...shownOrder(order), old: call.old, settleMs, patienceMs }
  const report = call.report === undefined ? undefined : openReport(call.report, asked)
  const show = createShow(workplace)
  const sum: CutOverAnswer = { well: true, opened: 0, left: 0 }
  try {
    for (const { database, address } of sources) {
      const source = parts.openSource(address.reveal(), order.batchSize ?? parts.batchSize)
      const { processes, reuploadSince } = order.order
      const answer = await cutOver(
        { ...target, source, old: workplace.oldUnit(call.old) },
        { processes, reuploadSince, settleMs, patienceMs },
        {
          onCopied({ done, stopped }) {
            show.end()
            show.say(done ? 'All of it was copied once.' : (stopped ?? 'It stopped.'))
          },
          onProcess(one) {
            report?.add({ ...(database !== undefined && { database }), ...shown(one) })
            if (one.kind === 'brought') show.onProcess(one.report)
            else show.say(`${one.process} stays where it is: ${one.why}.`)
          },
          onProgress: (rows, of) => show.onProgress(rows, of, database),
          onWaiting: (waiting) => show.onWaiting(waiting),
        },
      ).finally(() => source.close())
      sum.well &&= answer.well
      sum.opened += answer.opened
      sum.left += answer.left
    }
    show.end()
    report?.end(sum)
    workplace.print(
      call.json
        ? JSON.stringify(sum)
        : `${sum.opened} open here, ${sum.left} not: ${sum.well ? 'all is well.' : 'see above.'}`,
    )
    return sum.well ? exits.well : exits.undone
  } finally {
    show.end()
    report?.close()
  }
}

const shown = (one: CutOverReport): object =>
  one.kind === 'brought' ? { ...one, report: shownReport(one.report) } : one
