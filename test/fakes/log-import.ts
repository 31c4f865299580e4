/** Imports into the log in memory, with hooks for faults. */
import { isDeepStrictEqual } from 'node:util'
import { type Place, SchedulerError } from '../../core/errors.ts'
import type { Head } from '../../core/log/record.ts'
import { sameRecord } from '../../core/log/same-record.ts'
import { incompleteHead, sameHead } from '../../core/log/state.ts'
import type { ImportedRecord, LogImport, NewLog } from '../../core/ports/log-import.ts'
import type { Finding } from '../../core/ports/log-store.ts'
import { type Faults, faulty } from './faults.ts'
import type { FakeLog } from './log-store.ts'

const MAX_ROW_BYTES = 409_600

export class FakeLogImport implements LogImport {
  faults: Faults<keyof LogImport> = {}
  readonly #log: FakeLog

  constructor({ held }: { held: FakeLog }) {
    this.#log = held
  }

  async begin(log: NewLog): Promise<Head> {
    return faulty(this.faults, 'begin', [log], () => {
      const standing = this.#log.heads.get(log.process) ?? incompleteHead(log)
      this.#log.heads.set(log.process, standing)
      return { ...standing }
    })
  }

  async add(records: readonly ImportedRecord[]): Promise<void> {
    return faulty(this.faults, 'add', [records], () => {
      for (const record of records) this.#addRecord(record)
      for (const record of records) this.#addIds(record)
    })
  }

  async deepHash(process: string, hash: string): Promise<Place | undefined> {
    return faulty(this.faults, 'deepHash', [process, hash], () => this.#log.deepHashes.get(`${process}/${hash}`))
  }

  async finish(from: Head, to: Head): Promise<boolean> {
    return faulty(this.faults, 'finish', [from, to], () => {
      if (from.state === 'open') throw new Error('an open head is moved by commits')
      const standing = this.#log.heads.get(from.process)
      if (standing && same(standing, to)) return true
      if (!standing || !same(standing, from)) return false
      this.#log.heads.set(to.process, { ...to })
      return true
    })
  }

  #addRecord({ assignmentId: _, deepHash: __, ...record }: ImportedRecord): void {
    const raw = record.item && 'raw' in record.item ? record.item.raw.length : 0
    if (raw + (record.assignment?.length ?? 0) > MAX_ROW_BYTES) {
      throw new SchedulerError('message-too-large', 'The record does not fit a row of the log')
    }
    const key = `${record.process}/${record.nonce}`
    const there = this.#log.records.get(key)
    if (there && !sameRecord(there, record)) throw occupied({ assignment: '', ...there })
    if (!there) this.#log.records.set(key, record)
  }

  #addIds({ process, kind, id, nonce, timestamp, assignmentId, deepHash }: ImportedRecord): void {
    if (assignmentId === undefined) return
    const place = { assignment: assignmentId, nonce, timestamp }
    this.#addFinding(assignmentId, { process, kind: 'assignment', place })
    if (kind !== 'process') this.#addFinding(id, { process, kind: kind === 'message' ? 'posted' : 'assigned', place })
    if (deepHash === undefined) return
    const key = `${process}/${deepHash}`
    const there = this.#log.deepHashes.get(key)
    if (!there || !mayStand(there, place)) this.#log.deepHashes.set(key, place)
  }

  #addFinding(id: string, finding: Finding): void {
    const all = this.#log.findings.get(id) ?? []
    const there = all.find(({ process, kind }) => process === finding.process && kind === finding.kind)
    if (there && mayStand(there.place, finding.place)) return
    if (there && there.kind === 'assignment') throw occupied(there.place)
    this.#log.findings.set(id, [...all.filter((other) => other !== there), finding])
  }
}

const same = (a: Head, b: Head): boolean => sameHead(a, b) && a.awaits === b.awaits

/** The lowest nonce stays. */
function mayStand(there: Place, wanted: Place): boolean {
  if (there.nonce === wanted.nonce && !isDeepStrictEqual(there, wanted)) throw occupied(there)
  return there.nonce <= wanted.nonce
}

const occupied = ({ assignment, nonce, timestamp }: { assignment?: unknown; nonce: number; timestamp: number }) =>
  new SchedulerError('already-scheduled', 'The log holds something else there', {
    place: { assignment: String(assignment), nonce, timestamp },
  })
