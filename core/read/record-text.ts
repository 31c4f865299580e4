/** One record as `GET /{id}` and `GET /{process}/latest` answer it. */
import type { LogRecord } from '../log/record.ts'
import { begun } from './begun.ts'
import type { ReadDeps } from './deps.ts'
import { completeNode, logNodeOf } from './log-node.ts'

type ItemDeps = Pick<ReadDeps, 'bodies'>

/**
 * `{"message":…|null,"assignment":…}` in pieces, UTF-8. Waits for the first of them. Fails with `unavailable`. A reader that does not
 * read it to its end must call its iterator's `return`, as `for await` does.
 */
export const recordBytes = (deps: ItemDeps, record: LogRecord): Promise<AsyncIterable<Buffer>> =>
  begun(piecesOf(deps, record))

async function* piecesOf({ bodies }: ItemDeps, record: LogRecord): AsyncGenerator<Buffer> {
  const { node, blob } = logNodeOf(record, {})
  if (node) {
    yield node
    return
  }
  const body = await bodies.hold(blob.ref)
  try {
    yield* completeNode(blob, body.raw)
  } finally {
    body.release()
  }
}

/** Runs `use` with the record's item as it came, from wherever it is kept; with undefined where a transaction was assigned. */
export async function withRawItem<T>(
  { bodies }: ItemDeps,
  { item }: LogRecord,
  use: (raw: Buffer | undefined) => T,
): Promise<T> {
  if (item === undefined || 'raw' in item) return use(item?.raw)
  const body = await bodies.hold(item.blob)
  try {
    return use(body.raw)
  } finally {
    body.release()
  }
}
