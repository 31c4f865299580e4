/** The README's client, over HTTP at a unit in this process. */
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import { openWallet, readOrder, SendError, send } from '../../examples/send.ts'
import { freePort, listenLocally } from '../../local/free-port.ts'
import { createUnitApp } from '../functions/http/app/unit-app.ts'

const PROCESS = 'p'.repeat(43)

const temporary = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'su-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const listen = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (await listenLocally(server)).url
}

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => Buffer.concat(await request.toArray())

/** A unit that answers 503 to its first requests, as a stack does while it starts. */
const startUnit = async (refusals = 0) => {
  const { app, unit } = createUnitApp()
  const posted: Buffer[] = []
  const url = await listen(async (request, response) => {
    if (refusals-- > 0) {
      response.writeHead(503, { 'retry-after': '0' }).end('{"Message":"The stack is starting"}')
      return
    }
    const body = await bytesOf(request)
    if (request.method === 'POST') posted.push(body)
    const answer = await app.request(request.url ?? '/', {
      method: request.method ?? 'GET',
      ...(request.method === 'POST' && { body: new Uint8Array(body) }),
    })
    response.writeHead(answer.status).end(await answer.text())
  })
  return { url, unit, posted: () => posted.map(parseDataItem) }
}

const wallet = openWallet(join(mkdtempSync(join(tmpdir(), 'su-test-')), 'wallet.json'))

describe('an order', () => {
  test('a tag is cut at its first = only, and may have an empty value', () => {
    expect(readOrder(['message', PROCESS, '1 + 1', 'K=a=b=c', 'Padded=YQ==', 'Query=?a=1&b=2', 'Empty='])).toEqual({
      kind: 'message',
      target: PROCESS,
      data: '1 + 1',
      tags: [
        { name: 'K', value: 'a=b=c' },
        { name: 'Padded', value: 'YQ==' },
        { name: 'Query', value: '?a=1&b=2' },
        { name: 'Empty', value: '' },
      ],
    })
    expect(readOrder(['process', 'x=y'])).toEqual({ kind: 'process', data: 'x=y', tags: [] })
  })

  test('an argument that is no tag, an empty $PROCESS and an unknown word are sentences', () => {
    for (const tag of ['no-equals', '=value', '']) {
      expect(() => readOrder(['process', 'data', tag])).toThrow(`Tag: "${tag}" is not NAME=VALUE.`)
    }
    // What the shell makes of: message $PROCESS '1 + 1' Action=Eval
    expect(() => readOrder(['message', '1 + 1', 'Action=Eval'])).toThrow('PROCESS: "1 + 1" is not an id of 43 char')
    expect(() => readOrder(['message', '', '1 + 1'])).toThrow('If $PROCESS is empty, send a process first')
    expect(() => readOrder(['message'])).toThrow(SendError)
    for (const args of [[], ['proces', 'data']]) expect(() => readOrder(args)).toThrow('Usage: npm run -s send')
  })
})

describe('sending', () => {
  test('a process and a message to it are scheduled, with their tags as they were given', async () => {
    const { url, unit, posted } = await startUnit()
    const process = await send(readOrder(['process', 'print("hello")', 'Name=a=b']), { url, signer: wallet })
    const message = await send(readOrder(['message', process, '1 + 1', 'K=a=b==', 'Empty=']), { url, signer: wallet })
    const [spawned, sent] = posted()
    expect(spawned?.tags).toContainEqual({ name: 'Name', value: 'a=b' })
    expect(spawned?.tags).toContainEqual({ name: 'Scheduler', value: unit.signer.address })
    expect(sent?.tags).toContainEqual({ name: 'K', value: 'a=b==' })
    expect(sent?.tags).toContainEqual({ name: 'Empty', value: '' })
    expect(sent?.data.toString()).toBe('1 + 1')
    expect(sent?.target.toString('base64url')).toBe(process)
    expect((await unit.store.head(process))?.next).toBe(2)
    expect(message).toMatch(/^[\w-]{43}$/)
  })

  test('it waits for a stack that is starting, and says so once', async () => {
    const { url } = await startUnit(3)
    const notes: string[] = []
    const id = await send(readOrder(['process', '']), { url, signer: wallet, note: (line) => notes.push(line) })
    expect(id).toMatch(/^[\w-]{43}$/)
    expect(notes).toEqual([`${url} is starting. Waiting for it.`])
  })

  test('it does not wait for ever', async () => {
    const { url } = await startUnit(Number.POSITIVE_INFINITY)
    await expect(send(readOrder(['process', '']), { url, signer: wallet, patienceMs: 0 })).rejects.toThrow(
      `${url} is still starting.`,
    )
  })

  test('without a stack it says how to start one', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await expect(send(readOrder(['process', '']), { url, signer: wallet })).rejects.toThrow(
      `${url} does not answer. Start the local stack with npm start, or set URL to a scheduler unit.`,
    )
  })

  test('a refusal is the unit’s own sentence, and what is no unit is called so', async () => {
    const { url } = await startUnit()
    await expect(send(readOrder(['message', PROCESS, '']), { url, signer: wallet })).rejects.toThrow(
      new RegExp(`^${url} answered 400: \\w`),
    )
    const other = await listen((_, response) => response.end('<html>'))
    await expect(send(readOrder(['process', '']), { url: other, signer: wallet })).rejects.toThrow(
      `${other} answered 200: not as a scheduler unit does. Check URL and PORT.`,
    )
  })
})

describe('the wallet', () => {
  test('is made once, in a folder that need not be there, for its owner alone', () => {
    const file = join(temporary(), 'state', 'client-wallet.json')
    const { publicKey } = openWallet(file)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(openWallet(file).publicKey).toEqual(publicKey)
  })

  test('a file that is none is named, and left as it is', () => {
    const file = join(temporary(), 'wallet.json')
    writeFileSync(file, 'secret words')
    expect(() => openWallet(file)).toThrow(`WALLET: ${file} is not the JSON of an Arweave wallet.`)
    expect(() => openWallet(file)).not.toThrow('secret words')
    expect(existsSync(file)).toBe(true)
  })
})
