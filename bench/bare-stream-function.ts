/** A function that does nothing but stream as many bytes as it is asked for (`/{bytes}`): what no page can beat behind a function URL. */
import { Hono } from 'hono'
import { streamed } from '../functions/http/lambda.ts'

const PIECE = 65_536

const app = new Hono().get('/:bytes', (c) => {
  let left = Number(c.req.param('bytes'))
  const pieces = async function* () {
    for (; left > 0; left -= PIECE) yield Buffer.allocUnsafeSlow(Math.min(PIECE, left))
  }
  return c.body(ReadableStream.from(pieces()) as ReadableStream, 200, { 'content-type': 'application/json' })
})

export const handler = streamed(app, async () => {})
