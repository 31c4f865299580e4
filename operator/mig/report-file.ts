/**
 * The report of a migration as a file of JSON: `{ "order": {…}, "processes": [ … ], "answer": {…} }`. It may name millions of processes, so
 * it is written as they come; and it is complete JSON at any moment, however the command ends: the end of the file is written with
 * each process, and the next one over it.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { SchedulerError } from '../../core/errors.ts'
import type { ProcessReport } from '../../core/migration/order.ts'
import type { MessagesOrder } from '../../functions/mig/messages-event.ts'

export interface ReportFile {
  /** What became of a process. */
  add(process: object): void
  /** What became of all of it; null until then, and where it came to none. */
  end(answer: object): void
  close(): void
}

/** Overwrites what is there. Fails with `invalid-request` where that cannot be. @param order what was asked, without secrets */
export function openReport(file: string, order: object): ReportFile {
  const descriptor = open(file)
  let [position, first] = [0, true]
  const write = (text: string, answer: string) => {
    const bytes = Buffer.from(text)
    const all = Buffer.concat([bytes, Buffer.from(`\n],\n"answer": ${answer}\n}\n`)])
    for (let written = 0; written < all.length; ) {
      written += writeSync(descriptor, all, written, all.length - written, position + written)
    }
    position += bytes.length
  }
  write(`{\n"order": ${JSON.stringify(order)},\n"processes": [`, 'null')
  return {
    add(process) {
      write(`${first ? '' : ','}\n${JSON.stringify(process)}`, 'null')
      first = false
    },
    end: (answer) => write('', JSON.stringify(answer)),
    close: () => closeSync(descriptor),
  }
}

/** An order without the address. */
export const shownOrder = ({ source: { databases, tenantsOf }, order, after }: MessagesOrder): object => ({
  databases,
  tenantsOf,
  ...order,
  after,
})

/** Each fault says by itself where it is. */
export const shownReport = <R extends ProcessReport>(report: R) => ({
  ...report,
  faults: report.faults.map((fault) => ({ process: report.process, ...fault })),
})

function open(file: string): number {
  try {
    return openSync(file, 'w')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new SchedulerError('invalid-request', `The report cannot be written to ${file}${code}.`)
  }
}
