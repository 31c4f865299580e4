/** Garbage over HTTP: a clear JSON error, nothing changed, nobody falls over, no slow answer. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Item, messageItem, messageItems, post, processItem } from './client.ts'
import { expectScheduled } from './schedule.ts'
import { openStack, type TestStack } from './stack.ts'

let unit: TestStack
let process: Item
let message: Item
beforeAll(async () => {
  unit = await openStack({}, { instances: 2 })
  process = await processItem('hostile')
  await post(() => unit.url, process)
  message = await messageItem(process.id, 'sound')
})
afterAll(() => unit.close())

async function refused(body: Buffer, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(unit.url, { method: 'POST', body: new Uint8Array(body), headers })
  const text = await response.text()
  expect(JSON.parse(text), text).toMatchObject(response.status === 413 ? {} : { error: expect.any(String) })
  expect(response.status).toBeGreaterThanOrEqual(400)
  expect(response.status).toBeLessThan(500)
  return response.status
}

describe('hostile', () => {
  it('bodies: truncated, padded, flipped, random', async () => {
    const { raw } = message
    for (const length of [0, 1, 2, 100, 513, 1025, 1027, 1043, raw.length - 1]) await refused(raw.subarray(0, length))
    await refused(Buffer.concat([raw, Buffer.from('x')]))
    for (let i = 0; i < 40; i++) {
      const flipped = Buffer.from(raw)
      const at = Math.floor((i * raw.length) / 40)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (i % 8))
      await refused(flipped)
    }
    for (const length of [10, 1_000, 100_000]) await refused(randomBytes(length))
    await refused(Buffer.alloc(4_096))
    await refused(Buffer.from(JSON.stringify({ hello: 'world' })), { 'content-type': 'application/json' })
    await expectScheduled(unit.url, process.id, [])
  })

  it('bodies that are too large, as they are or unpacked', async () => {
    expect(await refused(Buffer.alloc(4_600_000, 1))).toBe(413)
    expect(await refused(Buffer.alloc(11 * 1024 * 1024, 1))).toBe(413)
    expect(await refused(gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' })).toBe(413)
    expect(await refused(message.raw, { 'content-encoding': 'gzip' })).toBe(400)
    expect(await refused(message.raw, { 'content-encoding': 'lzma' })).toBe(415)
  })

  it('the largest item that is taken comes back byte for byte, packed on the way or not', async () => {
    const large = await messageItem(process.id, 'large', 4_300_000)
    expect((await fetch(unit.url, { method: 'POST', body: new Uint8Array(large.raw) })).status).toBe(200)
    const packed = await messageItem(process.id, 'packed', 1_000_000)
    const headers = { 'content-encoding': 'gzip' }
    expect(
      (await fetch(unit.url, { method: 'POST', headers, body: new Uint8Array(gzipSync(packed.raw)) })).status,
    ).toBe(200)
    for (const { id, raw } of [large, packed]) {
      const { message: read } = (await (await fetch(`${unit.url}/${id}?process-id=${process.id}`)).json()) as {
        message: { id: string; data: string }
      }
      expect(read.id).toBe(id)
      expect(raw.subarray(-read.data.length).equals(Buffer.from(read.data))).toBe(true)
    }
    await expectScheduled(unit.url, process.id, [large, packed])
  })

  it('paths and queries of any kind', async () => {
    const p = process.id
    for (const path of [
      '/%E0%A4%A',
      '/%00',
      '/..%2f..%2fetc%2fpasswd',
      `/${'a'.repeat(5_000)}`,
      '/a/b/c/d',
      '/processes/',
      `/${p}/latest/more`,
      `/${p}?limit=0`,
      `/${p}?limit=1e9`,
      `/${p}?from=NaN`,
      `/${p}?from-nonce=%00`,
      `/${p}?from=9999999999999999999`,
      `/${p}?limit=1&limit=2`,
      `/?assign=x&process-id=y`,
      `/?&&&===&process-id`,
    ]) {
      const response = await fetch(unit.url + path, path.startsWith('/?assign') ? { method: 'POST' } : {})
      const text = await response.text()
      expect(response.status, path).toBeLessThan(500)
      expect(() => JSON.parse(text), path).not.toThrow()
      if (response.status >= 400) expect(JSON.parse(text), path).toMatchObject({ error: expect.any(String) })
    }
  })

  it('connections that are broken off midway leave it as it was', async () => {
    const { port } = new URL(unit.url)
    for (let i = 0; i < 20; i++) {
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => {
          socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${message.raw.length}\r\n\r\n`)
          socket.write(message.raw.subarray(0, 700))
          setTimeout(() => {
            socket.destroy()
            resolve()
          }, 10)
        })
        socket.on('error', () => resolve())
      })
    }
    const items = await messageItems(process.id, 3, 'after')
    for (const item of items) await post(() => unit.url, item)
    expect((await fetch(`${unit.url}/health`)).status).toBe(200)
  })
})
