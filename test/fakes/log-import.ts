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

  async held(records: readonly ImportedRecord[]): Promise<boolean[]> {
    return faulty(this.faults, 'held', [records], () => {
      const recorded = records.map((record) => this.#hasRecord(record))
      return records.map((record, index) => this.#hasIds(record) && recorded[index] === true)
    })
  }

  async deepHash(process: string, hash: string): Promise<Place | undefined> {
    return faulty(this.faults, 'deepHash', [process, hash], () => {
      const { owner: _, ...place } = this.#log.deepHashes.get(`${process}/${hash}`) ?? {}
      return 'nonce' in place ? place : undefined
    })
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
    if (!this.#hasRecord(record)) this.#log.records.set(`${record.process}/${record.nonce}`, record)
  }

  #hasRecord(record: ImportedRecord): boolean {
    const there = this.#log.records.get(`${record.process}/${record.nonce}`)
    if (there && !sameRecord(there, record)) throw occupied({ assignment: '', ...there })
    return there !== undefined
  }

  #addIds(record: ImportedRecord): void {
    for (const { id, finding } of findingsOf(record)) {
      if (this.#hasFinding(id, finding)) continue
      const others = (this.#log.findings.get(id) ?? []).filter((other) => !sameWay(other, finding))
      this.#log.findings.set(id, [...others, finding])
    }
    const hash = deepHashOf(record)
    if (hash && !this.#hasDeepHash(hash)) this.#log.deepHashes.set(hash.key, hash.place)
  }

  #hasIds(record: ImportedRecord): boolean {
    const found = findingsOf(record).map(({ id, finding }) => this.#hasFinding(id, finding))
    const hash = deepHashOf(record)
    return (!hash || this.#hasDeepHash(hash)) && found.every(Boolean)
  }

  #hasFinding(id: string, finding: Finding): boolean {
    const there = this.#log.findings.get(id)?.find((other) => sameWay(other, finding))
    if (!there) return false
    if (there.kind === 'assignment' && there.place.nonce !== finding.place.nonce) throw occupied(there.place)
    return mayStand(there.place, finding.place)
  }

  #hasDeepHash({ key, place }: { key: string; place: Place }): boolean {
    const there = this.#log.deepHashes.get(key)
    return there !== undefined && mayStand(there, place)
  }
}

/** By what a record is found; a process is found by its head. */
function findingsOf({ process, kind, id, nonce, timestamp, assignmentId }: ImportedRecord) {
  if (assignmentId === undefined) return []
  const place = { assignment: assignmentId, nonce, timestamp }
  const findings: { id: string; finding: Finding }[] = [
    { id: assignmentId, finding: { process, kind: 'assignment', place } },
  ]
  if (kind !== 'process')
    findings.push({ id, finding: { process, kind: kind === 'message' ? 'posted' : 'assigned', place } })
  return findings
}

const sameWay = (a: Finding, b: Finding): boolean => a.process === b.process && a.kind === b.kind

const deepHashOf = ({ process, kind, id, nonce, timestamp, assignmentId, deepHash }: ImportedRecord) =>
  assignmentId === undefined || deepHash === undefined || kind === 'process'
    ? undefined
    : { key: `${process}/${deepHash}`, place: { assignment: assignmentId, nonce, timestamp, owner: { kind, id } } }

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
