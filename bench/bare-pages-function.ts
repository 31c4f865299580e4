/** A function that does nothing but stream pages that lie in files (`PAGES_DIR/{from-nonce}`): what no unit can beat for a client that reads and verifies. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Hono } from 'hono'
import { streamed } from '../functions/http/lambda.ts'

const PIECE = 65_536

const app = new Hono().get('/:process', async (c) => {
  const page = await readFile(join(process.env.PAGES_DIR ?? '', c.req.query('from-nonce') ?? ''))
  const pieces = async function* () {
    for (let at = 0; at < page.length; at += PIECE) yield page.subarray(at, at + PIECE)
  }
  return c.body(ReadableStream.from(pieces()) as ReadableStream, 200, { 'content-type': 'application/json' })
})

export const handler = streamed(app, async () => {})
