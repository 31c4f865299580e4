/**
 * Walks one process from the first nonce that lacks something to the last that anybody knows of: what is there is checked, what is
 * not is made again, and all of it is written so that it is found. It ends before the first hole.
 */
import pMap from 'p-map'
import { isId } from '../ans104/base64url.ts'
import { tagValue } from '../ans104/tags.ts'
import { readable } from '../audit/item-facts.ts'
import type { LogRecord } from '../log/record.ts'
import type { SignedNonce } from '../ports/restore-sources.ts'
import { after, follows, type RestoredEnd } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'
import { importedRecord } from './imported.ts'
import { type FoundItem, findItem, proveAssignment } from './proof.ts'
import { type Clues, type RebuildOptions, rebuild, type Stop, signedAt } from './rebuild.ts'

export interface Stretch {
  process: string
  /** What stands before its first nonce. */
  start: RestoredEnd
  /** The nonce after the last that anybody knows of. */
  end: number
  /** What the head covers already, if there is one: there the next record must fit. */
  head: { next: number; lastAssignment?: Buffer } | undefined
}

/** Something that is brought in although it is not known for sure; a sentence that goes on after the nonce. */
export interface Doubt {
  nonce: number
  what: string
}

export interface Filled {
  /** Where the log ends now without a hole. */
  end: RestoredEnd
  /** Records that were not there. */
  added: number
  /** Those of them of which the item alone tells that they were posted, or that they were not. */
  presumed: number
  doubts: readonly Doubt[]
  stop: Stop | undefined
}

const NONCES_AT_ONCE = 50
/** Items that are looked for, and held, at once. */
const ITEMS_AT_ONCE = 8

interface Ready {
  record: LogRecord
  there: boolean
}

export class Fill {
  private readonly deps: RestoreDeps
  private readonly options: RebuildOptions
  private readonly stretch: Stretch
  private readonly doubts: Doubt[] = []
  private end: RestoredEnd
  /** The record before had to be made again. */
  private madeLast = false
  private added = 0
  private presumed = 0
  private stop: Stop | undefined

  constructor(deps: RestoreDeps, stretch: Stretch, options: RebuildOptions) {
    this.deps = deps
    this.options = options
    this.stretch = stretch
    this.end = stretch.start
  }

  /** May be repeated. Fails with `unavailable`; with `already-scheduled` where the log holds something else. */
  async run(): Promise<Filled> {
    let known = this.stretch.end
    while (!this.stop) {
      const to = Math.min(this.end.next + NONCES_AT_ONCE, known)
      if (this.end.next < to) await this.next(to)
      else {
        // Beyond what the survey saw there may be more, where what it saw was not all.
        const further = await signedAt(this.deps, this.stretch.process, range(known, known + NONCES_AT_ONCE))
        if (further.length === 0) break
        known = Math.max(...further.map(({ nonce }) => nonce)) + 1
      }
    }
    const { end, added, presumed, doubts, stop } = this
    return { end, added, presumed, doubts, stop }
  }

  private async next(to: number): Promise<void> {
    const { process } = this.stretch
    const nonces = range(this.end.next, to)
    const there = new Map((await this.deps.restore.recordsAt(process, nonces)).map((record) => [record.nonce, record]))
    const missing = nonces.filter((nonce) => !there.has(nonce))
    const [signed, indexed] = await Promise.all([
      signedAt(this.deps, process, missing),
      missing.length > 0 ? this.deps.metadata?.between(process, nonces[0] ?? 0, to - 1) : [],
    ])
    const ready: Ready[] = []
    for (let from = 0; from < nonces.length && !this.stop; from += ITEMS_AT_ONCE) {
      const some = nonces.slice(from, from + ITEMS_AT_ONCE)
      const candidates = signed.filter(({ nonce }) => !there.has(nonce) && some.includes(nonce))
      const items = await this.itemsOf(candidates)
      for (const nonce of some) {
        const record = there.get(nonce)
        const clues = {
          signed: candidates.filter((candidate) => candidate.nonce === nonce),
          indexed: indexed?.find((row) => row.nonce === nonce),
          items,
        }
        const one = record ? await this.checked(record) : await this.made(clues)
        this.stop = 'record' in one ? this.againstHead(one.record) : one
        if (this.stop || !('record' in one)) break
        ready.push(one)
        this.end = after(this.end, one.record)
        this.madeLast = !one.there
      }
    }
    await this.write(ready)
  }

  /** Items that these name, looked for together: most of the time goes by with that. */
  private async itemsOf(signed: readonly SignedNonce[]): Promise<Map<string, FoundItem>> {
    const ids = signed.flatMap(({ raw }) => {
      const assignment = raw && readable(raw)
      return assignment ? (tagValue(assignment.tags, 'Message') ?? this.stretch.process) : []
    })
    const items = await pMap(new Set(ids.filter(isId)), async (id) => [id, await findItem(this.deps, id)] as const, {
      concurrency: ITEMS_AT_ONCE,
    })
    return new Map(items)
  }

  /** A record that is there. Below the head it stands as the log has it, unless the one before had to be made again. */
  private async checked(record: LogRecord): Promise<Ready | Stop> {
    const { nonce, assignment } = record
    const covered = nonce < (this.stretch.head?.next ?? Number.NEGATIVE_INFINITY)
    if (nonce < 0 || (covered && !this.madeLast)) return { record, there: true }
    if (!follows(this.end, record)) return unusable(nonce, 'is there, and does not go on from the one before')
    const proven = assignment && (await proveAssignment(this.deps, assignment, record))
    if (!covered && !proven) return unusable(nonce, 'is there, and was not signed by the wallet of the log')
    return { record, there: true }
  }

  private async made(clues: Clues): Promise<Ready | Stop> {
    const made = await rebuild(this.deps, this.end, clues, this.options)
    if (!('record' in made)) return made
    const { indexed } = clues
    const { record, presumed } = made
    this.added++
    if (presumed) this.presumed++
    if (record.kind === 'message' && !record.item) this.doubt(record.nonce, `stands without its item ${record.id}`)
    if (indexed && indexed.id !== record.id) this.doubt(record.nonce, `is ${indexed.id} in the metadata`)
    return { record, there: false }
  }

  /** The last record that the head covers is the one that the head goes on from. */
  private againstHead(record: LogRecord): Stop | undefined {
    const { head } = this.stretch
    if (head === undefined || head.next !== record.nonce + 1) return undefined
    const { lastAssignment: own } = after(this.end, record)
    const same = own && head.lastAssignment ? own.equals(head.lastAssignment) : own === head.lastAssignment
    return same ? undefined : unusable(record.nonce, 'is another one than the head goes on from')
  }

  private async write(ready: readonly Ready[]): Promise<void> {
    if (!this.options.write || ready.length === 0) return
    const imported = await pMap(ready, ({ record }) => importedRecord(this.deps, record), {
      concurrency: ITEMS_AT_ONCE,
    })
    await this.deps.imports.add(imported.map((one) => one.imported))
    for (const { imported: record, doubts } of imported) for (const what of doubts) this.doubt(record.nonce, what)
  }

  private doubt(nonce: number, what: string): void {
    this.doubts.push({ nonce, what })
  }
}

const unusable = (nonce: number, what: string): Stop => ({ nonce, kind: 'unusable', what })

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index)
