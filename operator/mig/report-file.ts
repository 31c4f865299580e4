/**
 * The report of a migration as a file of JSON: `{ "order": {…}, "processes": [ … ], "answer": {…} }`. It may name millions of processes, so
 * it is written as they come; and it is complete JSON at any moment, however the command ends: the end of the file is written with
 * each process, and the next one over it.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { SchedulerError } from '../../core/errors.ts'
import type { MessagesAnswer, MessagesReport } from '../../functions/mig/messages.ts'
import type { MessagesOrder } from '../../functions/mig/messages-event.ts'

export interface ReportFile {
  add(report: MessagesReport): void
  /** What became of all of it; null until then, and where it came to none. */
  end(answer: MessagesAnswer): void
  close(): void
}

/** Overwrites what is there. Fails with `invalid-request` where that cannot be. */
export function openReport(file: string, { source, order, after }: MessagesOrder): ReportFile {
  const { databases, tenantsOf } = source
  const descriptor = open(file)
  let [position, first] = [0, true]
  const write = (text: string, end: string) => {
    const bytes = Buffer.from(text)
    const all = Buffer.concat([bytes, Buffer.from(`\n],\n"answer": ${end}\n}\n`)])
    for (let written = 0; written < all.length; ) {
      written += writeSync(descriptor, all, written, all.length - written, position + written)
    }
    position += bytes.length
  }
  write(`{\n"order": ${JSON.stringify({ databases, tenantsOf, ...order, after })},\n"processes": [`, 'null')
  return {
    add({ faults, ...report }) {
      const named = { ...report, faults: faults.map((fault) => ({ process: report.process, ...fault })) }
      write(`${first ? '' : ','}\n${JSON.stringify(named)}`, 'null')
      first = false
    },
    end: (answer) => write('', JSON.stringify(answer)),
    close: () => closeSync(descriptor),
  }
}

function open(file: string): number {
  try {
    return openSync(file, 'w')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new SchedulerError('invalid-request', `The report cannot be written to ${file}${code}.`)
  }
}
