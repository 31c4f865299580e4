/**
 * A page's raw items as one ANS-104 bundle: of each record its assignment, then its item, as both were signed. What stands in
 * front of a bundle names all that is in it, so that is gathered first; the items then come as they are read.
 */
import { bundleHeader } from '../ans104/bundle.ts'
import { parseDataItem } from '../ans104/data-item.ts'
import type { LogRecord } from '../log/record.ts'
import type { BundledStretch } from '../ports/segment-store.ts'
import { openBodies } from './bodies.ts'
import type { ReadDeps } from './deps.ts'
import { allStretches, lastInDoubt } from './page-nodes.ts'
import type { Plan } from './plan.ts'
import { outOfPlace, readRecords } from './read-records.ts'
import { logStretches, type SegmentStretch, type Stretch, stepByStep } from './stretches.ts'

type Named = BundledStretch['items'][number]

/** One record's place in the bundle. */
interface Place {
  nonce: number
  items: readonly Named[]
}

/** Consecutive records of the page. */
interface Part {
  places: readonly Place[]
  /** The records, where they were read and are held. */
  held?: readonly LogRecord[]
  /** Their bytes, where segments have them. */
  raw?: AsyncIterable<Buffer>
}

/** Its bytes as they come. Fails with `unavailable`. */
export async function* pageBundle(deps: ReadDeps, plan: Plan): AsyncGenerator<Buffer> {
  const { process } = plan.head
  const parts: Part[] = []
  for await (const stretch of allStretches(deps, plan, { showAnchor: false })) {
    parts.push(...(await partsOf(deps, process, stretch, plan.stretches.includes(stretch))))
  }
  let header: Buffer | undefined = bundleHeader(parts.flatMap(({ places }) => places.flatMap(({ items }) => items)))
  for (const part of parts) {
    for await (const piece of rawOf(deps, process, part)) {
      // Goes with the first items: where these cannot be read, nothing has been sent.
      yield header ? Buffer.concat([header, piece]) : piece
      header = undefined
    }
  }
  if (header) yield header
}

async function partsOf(deps: ReadDeps, process: string, stretch: Stretch, hold: boolean): Promise<Part[]> {
  if (stretch.from === 'segments') return partsOfSegments(deps, process, stretch)
  const records = stretch.nodes.map(({ record }) => record)
  return [{ places: records.map(placeOf), ...(hold && { held: records }) }]
}

/** What segments do not give is named by the log. */
async function partsOfSegments(deps: ReadDeps, process: string, stretch: SegmentStretch): Promise<Part[]> {
  const { first, last, indexes } = stretch
  try {
    const { items, raw } = await deps.segments.bundle(process, indexes, first, last)
    return [{ places: placesOf(stretch, items), raw }]
  } catch (error) {
    lastInDoubt(deps, error, first, last)
  }
  const parts: Part[] = []
  for await (const { nodes } of logStretches(deps, process, { showAnchor: false }, stretch, stepByStep)) {
    parts.push({ places: nodes.map(({ record }) => placeOf(record)) })
  }
  return parts
}

function placesOf({ first, last, indexes }: SegmentStretch, items: readonly Named[]): Place[] {
  const places: Place[] = []
  let next = 0
  for (const { nonce, items: count } of indexes.flatMap(({ records }) => records)) {
    if (nonce < first || nonce > last) continue
    places.push({ nonce, items: items.slice(next, next + count) })
    next += count
  }
  return places
}

const placeOf = (record: LogRecord): Place => ({ nonce: record.nonce, items: itemsOf(record) })

function itemsOf({ assignment, item }: LogRecord): Named[] {
  if (assignment === undefined) throw outOfPlace()
  const items = [{ id: parseDataItem(assignment).id, bytes: assignment.length }]
  if (item) items.push({ id: item.id, bytes: 'raw' in item ? item.raw.length : item.blob.bytes })
  return items
}

async function* rawOf(deps: ReadDeps, process: string, { places, held, raw }: Part): AsyncGenerator<Buffer> {
  let sent = 0
  if (raw) {
    try {
      for await (const piece of raw) {
        sent += piece.length
        yield piece
      }
    } catch (error) {
      lastInDoubt(deps, error, 0, 0)
    }
  }
  if (held) yield* rawOfRecords(deps, held)
  else yield* rawOfLog(deps, process, places, sent)
}

const CHUNK = 100

/** From the log, all but the first `sent` bytes: these have gone out. */
async function* rawOfLog(
  deps: ReadDeps,
  process: string,
  places: readonly Place[],
  sent: number,
): AsyncGenerator<Buffer> {
  let skipped = 0
  let at = 0
  for (; at < places.length; at++) {
    const bytes = (places[at]?.items ?? []).reduce((sum, item) => sum + item.bytes, 0)
    if (skipped + bytes > sent) break
    skipped += bytes
  }
  let skip = sent - skipped
  while (at < places.length) {
    const chunk = places.slice(at, at + CHUNK)
    const [first, last] = [chunk.at(0), chunk.at(-1)]
    if (!first || !last) return
    const records = await readRecords(deps.log, process, first.nonce, last.nonce)
    // What stands in front of the bundle has gone out, too.
    if (!records.every((record, index) => isSame(itemsOf(record), chunk[index]?.items))) throw outOfPlace()
    for await (const piece of rawOfRecords(deps, records)) {
      if (skip < piece.length) yield piece.subarray(skip)
      skip = Math.max(0, skip - piece.length)
    }
    at += records.length
  }
}

const isSame = (one: readonly Named[], other: readonly Named[] = []): boolean =>
  one.length === other.length &&
  one.every(({ id, bytes }, index) => id === other[index]?.id && bytes === other[index].bytes)

/** Each record's assignment, then its item. */
async function* rawOfRecords(deps: ReadDeps, records: readonly LogRecord[]): AsyncGenerator<Buffer> {
  const refs = records.flatMap(({ item }) => (item && 'blob' in item ? [item.blob] : []))
  const bodies = await openBodies(deps, refs)
  try {
    for (const { assignment, item } of records) {
      if (assignment) yield assignment
      if (item) yield 'raw' in item ? item.raw : await bodies.next()
    }
  } finally {
    await bodies.close()
  }
}
