/** One record as `GET /{id}` and `GET /{process}/latest` answer it. */
import type { LogRecord } from '../log/record.ts'
import { readBody } from './bodies.ts'
import type { ReadDeps } from './deps.ts'
import { assignmentText, itemText, nodeText } from './render.ts'

type ItemDeps = Pick<ReadDeps, 'blobs' | 'meter' | 'clock'>

/** `{"message":…|null,"assignment":…}`. Fails with `unavailable`. */
export async function recordText(deps: ItemDeps, record: LogRecord): Promise<string> {
  const raw = await rawItem(deps, record)
  return nodeText(itemText(record, raw), assignmentText(record))
}

/** The record's item as it came, from wherever it is kept; undefined where a transaction was assigned. */
export async function rawItem(deps: ItemDeps, { item }: LogRecord): Promise<Buffer | undefined> {
  if (item === undefined) return undefined
  return 'raw' in item ? item.raw : readBody(deps, item.blob)
}
