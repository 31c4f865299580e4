/** The handler under AWS's own runtime client: what breaks off is cut where the platform cuts it, and the instance goes on. */
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openFunctionUrl } from '../../local/lambda/function-url.ts'
import { hostFixture } from './host.ts'

async function hostStreamed(concurrency: number, awsFaults = false): Promise<string> {
  const { lambda, log } = await hostFixture('streamed', { instances: 1, warm: 1, concurrency })
  await lambda.ready()
  const front = await openFunctionUrl({ lambda, onFailure: (message) => log.push(message), awsFaults })
  onTestFinished(() => front.stop())
  front.open()
  return front.url
}

const textOf = async (url: string) => (await fetch(url)).text()

describe('an answer', () => {
  it.each([false, true])(
    'of any length comes whole, and its head without a body (faults of AWS: %s)',
    async (faults) => {
      const url = await hostStreamed(1, faults)
      expect(await textOf(`${url}/whole`)).toHaveLength(300_000)
      expect((await (await fetch(`${url}/big`)).arrayBuffer()).byteLength).toBe(20_000_000)
      const empty = await fetch(`${url}/empty`)
      expect([empty.status, await empty.text()]).toEqual([201, '\n'])
      const preflight = await fetch(url, { method: 'OPTIONS' })
      expect([preflight.status, await preflight.text()]).toEqual([200, '\n'])
      const known = await fetch(`${url}/known`)
      expect([known.status, await known.text()]).toEqual([304, ''])
      const head = await fetch(`${url}/whole`, { method: 'HEAD' })
      expect([head.status, await head.text()]).toEqual([200, ''])
      const bytes = new Uint8Array(randomBytes(5000))
      const echo = await fetch(url, {
        method: 'POST',
        body: bytes,
        headers: { 'content-type': 'application/octet-stream' },
      })
      expect(new Uint8Array(await echo.arrayBuffer())).toEqual(bytes)
    },
  )

  it.each([1, 4])('that breaks off is cut, and takes no other with it (%i requests at once)', async (concurrency) => {
    const url = await hostStreamed(concurrency)
    const before = await textOf(`${url}/who`)
    // Before its first byte nothing has gone out, so the platform can still say it.
    for (const [path, status] of [
      ['/cut', 200],
      ['/cut-at-once', 502],
    ] as const) {
      const others = concurrency > 1 ? [textOf(`${url}/whole`), textOf(`${url}/whole`)] : []
      const response = await fetch(url + path)
      expect(response.status).toBe(status)
      if (status === 200) await expect(response.text()).rejects.toThrow()
      for (const other of others) expect(await other).toHaveLength(300_000)
    }
    expect(await textOf(`${url}/who`)).toBe(before)
  })

  it('is given to a GET with a body and an odd header', async () => {
    const url = await hostStreamed(1)
    const status = await new Promise((resolve, reject) => {
      const headers = { 'content-length': 3, 'x-odd': Buffer.from('żółć').toString('latin1') }
      const sent = request(`${url}/who`, { headers }, (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode))
      })
      sent.on('error', reject)
      sent.end('abc')
    })
    expect(status).toBe(200)
  })
})
