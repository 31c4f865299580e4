/**
 * What AWS's runtime has for functions that stream, and MiniStack's has not: the global `awslambda`. The answer is gathered, and handed
 * over as one text with its prelude, as MiniStack's function URL reads it. It stands beside the bundle, in front of its handler.
 */
import { Writable } from 'node:stream'

globalThis.awslambda = {
  streamifyResponse: (handle) => async (event, context) => {
    const chunks = []
    const stream = new Writable({
      write(chunk, _, done) {
        chunks.push(chunk)
        done()
      },
    })
    await handle(event, stream, context)
    return Buffer.concat(chunks).toString()
  },
  HttpResponseStream: {
    from(stream, head) {
      stream.write(`${JSON.stringify(head)}${'\0'.repeat(8)}`)
      return stream
    },
  },
}

export const { handler } = await import('./index.mjs')
