/**
 * A cold start in a process of its own, for bench/cold.ts: imports a bundle as Lambda would, then calls it with one event after the other.
 *
 *   node cold-process.mjs BUNDLE    events on standard input as JSON, what was measured on the third channel
 */
import { readFileSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'

export interface ColdMeasured {
  /** Until this program ran, which is Node's own, ms. */
  node: number
  import: number
  /** Each call: until its answer was sent, and until the instance could take the next one. */
  calls: { answered: number; free: number }[]
  /** What answers that were no success said. */
  failures: string[]
}

type Handler = (event: unknown, ...rest: unknown[]) => Promise<unknown>

let isStreamed = false
let status = 0
/** What AWS's runtime client puts there. */
const awslambda = {
  streamifyResponse(handler: Handler): Handler {
    isStreamed = true
    return handler
  },
  HttpResponseStream: {
    from(stream: Writable, { statusCode }: { statusCode: number }): Writable {
      status = statusCode
      return stream
    },
  },
}
Object.assign(globalThis, { awslambda })

const context = { awsRequestId: 'cold', getRemainingTimeInMillis: () => 60_000 }
const events: unknown[] = JSON.parse(readFileSync(0, 'utf8'))
const measured: ColdMeasured = { node: performance.now(), import: 0, calls: [], failures: [] }

const { handler }: { handler: Handler } = await import(pathToFileURL(process.argv[2] ?? '').href)
measured.import = performance.now() - measured.node

/** Until the answer was sent, ms from `begin`; the instance may be at something for longer. */
async function call(event: unknown, begin: number): Promise<{ answered: number; failure: string | undefined }> {
  if (!isStreamed) {
    const failure = await handler(event, context).then(() => undefined, String)
    return { answered: performance.now() - begin, failure }
  }
  let answered = 0
  let text = ''
  const stream = new Writable({
    write(chunk, _, done) {
      text += chunk
      done()
    },
    final(done) {
      answered = performance.now() - begin
      done()
    },
  })
  await handler(event, stream, context)
  return { answered, failure: status < 400 ? undefined : `${status} ${text}` }
}

for (const event of events) {
  const begin = performance.now()
  const { answered, failure } = await call(event, begin)
  measured.calls.push({ answered, free: performance.now() - begin })
  if (failure !== undefined) measured.failures.push(failure)
}
writeSync(3, JSON.stringify(measured))
// Kept connections would keep it alive.
process.exit(0)
