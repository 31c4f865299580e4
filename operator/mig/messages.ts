/** Brings in a Rust unit's messages, in this process: how far it is, what is wrong, and what became of it. */
import { isWell } from '../../core/migration/order.ts'
import {
  bringInMessages,
  type MessagesAnswer,
  type MessagesReport,
  type MessagesWatcher,
} from '../../functions/mig/messages.ts'
import { type Exit, exits } from '../command.ts'
import { createProgress } from '../progress.ts'
import type { MessagesCall } from './messages-arguments.ts'
import { openReport, shownOrder, shownReport } from './report-file.ts'
import type { MigWorkplace } from './workplace.ts'

export async function runMessages(call: MessagesCall, workplace: MigWorkplace): Promise<Exit> {
  const { print, warn } = workplace
  const parts = workplace.messages(call.where)
  const report = call.report === undefined ? undefined : openReport(call.report, shownOrder(call.order))
  const show = createShow(workplace)
  try {
    const stop = workplace.interruption()
    stop.addEventListener('abort', () =>
      show.say('It comes to an end, and says how to go on. Once more ends it at once.'),
    )
    // Nothing limits it here but who waits.
    const limits = {
      get deadline() {
        return stop.aborted ? 0 : Number.POSITIVE_INFINITY
      },
    }
    const { answer } = await bringInMessages(parts, call.order, limits, {
      ...show,
      onProcess(one) {
        report?.add(shownReport(one))
        show.onProcess(one)
      },
    })
    show.end()
    report?.end(answer)
    for (const line of call.json ? [JSON.stringify(answer)] : summaryOf(answer)) print(line)
    if (!answer.done) {
      const cursor = JSON.stringify(answer.after ?? {})
      warn(`${answer.stopped ?? 'It stopped.'}\n${cursor === '{}' ? '' : `Go on with --after '${cursor}'\n`}`)
    }
    return isWellDone(answer) ? exits.well : exits.undone
  } finally {
    show.end()
    report?.close()
  }
}

/** Whether all that was asked for is here and sound. */
export const isWellDone = ({ after, ...answer }: MessagesAnswer): boolean => isWell(answer)

/** What is shown on standard error while it works. */
export function createShow({ warn, terminal }: Pick<MigWorkplace, 'warn' | 'terminal'>): MessagesWatcher & {
  say(line: string): void
  /** So many processes wait for the old unit. */
  onWaiting(processes: number): void
  end(): void
} {
  const progress = createProgress({ write: warn, terminal, what: 'messages' })
  const waiting = createProgress({ write: warn, terminal, what: 'processes taken over' })
  let waitingAtFirst: number | undefined
  const say = (line: string) => {
    progress.clear()
    warn(`${line}\n`)
  }
  return {
    say,
    onProgress(rows, of) {
      if (of !== undefined) progress.show(rows, of)
    },
    onWaiting(processes) {
      if (waitingAtFirst === undefined) {
        waitingAtFirst = processes
        if (processes > 0)
          say(`${count(processes, 'process', 'es')} wait for the old unit to refuse them, and to come to rest.`)
      }
      waiting.show(waitingAtFirst - processes, waitingAtFirst)
    },
    onProcess: (report) => linesOf(report).forEach(say),
    end() {
      progress.end()
      waiting.end()
    },
  }
}

function linesOf({ process, outcome, faults, notices }: MessagesReport): string[] {
  const leftOut = outcome === 'left-out' ? [`${process} is left out: it has ${count(faults.length, 'fault')}.`] : []
  return [
    ...faults.map(({ nonce, kind, what }) => `${process} nonce ${nonce}: ${kind}: ${what}`),
    ...notices.map(({ nonce, what }) => `${process} nonce ${nonce}: ${what}`),
    ...leftOut,
  ]
}

export function summaryOf({ processes, outcomes, copied, there, faults, notices }: MessagesAnswer): string[] {
  const became = Object.entries(outcomes).map(([outcome, number]) => `${number} ${outcome}`)
  return [
    `${count(processes, 'process', 'es')}${became.length > 0 ? `: ${became.join(', ')}` : ''}.`,
    `${count(copied, 'record')} brought in, ${there} there already, ${count(faults, 'fault')}, ${count(notices, 'notice')}.`,
  ]
}

const count = (number: number, of: string, plural = 's'): string => `${number} ${of}${number === 1 ? '' : plural}`
