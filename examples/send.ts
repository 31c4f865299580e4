/**
 * A first client: signs a process or a message with arbundles, as ao clients do, posts it and prints its id.
 *
 *   npm run -s send -- process 'print("hello")' [NAME=VALUE …]
 *   npm run -s send -- message PROCESS '1 + 1' Action=Eval
 *
 * URL is the address of the scheduler unit, or of the router in front of several; the local stack at PORT unless set.
 * WALLET is a JWK file; client-wallet.json in STATE_DIR unless set, made if it is missing. Like `npm start`, the example
 * takes PORT and STATE_DIR from `.env` too.
 */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArweaveSigner, createData } from 'arbundles'

const usage = `Usage: npm run -s send -- process DATA [NAME=VALUE …]
       npm run -s send -- message PROCESS DATA [NAME=VALUE …]`

/** What the user can mend; the message says how. */
export class SendError extends Error {}

interface Tag {
  name: string
  value: string
}

export interface Order {
  kind: 'process' | 'message'
  /** The process that a message is for. */
  target?: string
  data: string
  tags: Tag[]
}

/** Fails with SendError. */
export function readOrder([kind, ...args]: readonly string[]): Order {
  if (kind !== 'process' && kind !== 'message') throw new SendError(usage)
  const target = kind === 'message' ? args.shift() : undefined
  if (kind === 'message' && !/^[\w-]{43}$/.test(target ?? '')) {
    throw new SendError(
      `PROCESS: "${target ?? ''}" is not an id of 43 characters. If $PROCESS is empty, send a process first:\n` +
        `  PROCESS=$(npm run -s send -- process 'print("hello")')`,
    )
  }
  const [data = '', ...tags] = args
  return { kind, data, tags: tags.map(readTag), ...(target !== undefined && { target }) }
}

/** The first = ends the name: a value may have more of them, as base64 and queries do. */
function readTag(text: string): Tag {
  const at = text.indexOf('=')
  if (at < 1) throw new SendError(`Tag: "${text}" is not NAME=VALUE. Put data with spaces into quotes.\n${usage}`)
  return { name: text.slice(0, at), value: text.slice(at + 1) }
}

interface Client {
  url: string
  signer: ArweaveSigner
  /** How long a stack that is starting has, ms. */
  patienceMs?: number
  note?(line: string): void
}

/** Signs and posts; returns the id of the item. Fails with SendError. */
export async function send({ kind, target, data, tags }: Order, client: Client): Promise<string> {
  const { url, signer } = client
  // A router has no wallet to name. Clients of a public one know its scheduler's address; here any will do.
  const address = (await addressOf(client)) ?? 'x'.repeat(43)
  const own = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: kind === 'process' ? 'Process' : 'Message' }
  const all = Object.entries(kind === 'process' ? { ...own, Module: address, Scheduler: address } : own)
  const item = createData(data, signer, {
    tags: [...all.map(([name, value]) => ({ name, value })), ...tags],
    ...(target !== undefined && { target }),
  })
  await item.sign(signer)
  const answer = await ask(url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(item.getRaw()),
  })
  const { id, error } = await fieldsOf(answer)
  if (answer.ok && id !== undefined) return id
  throw new SendError(
    `${url} answered ${answer.status}: ${error ?? 'not as a scheduler unit does. Check URL and PORT.'}`,
  )
}

/** Asks who schedules at the address, and waits while a stack is starting there: it answers 503 until it is ready. */
async function addressOf({ url, patienceMs = 300_000, note }: Client): Promise<string | undefined> {
  const deadline = Date.now() + patienceMs
  for (let waits = 0; ; waits++) {
    const answer = await ask(url)
    if (answer.status !== 503) return (await fieldsOf(answer)).address
    if (Date.now() > deadline) throw new SendError(`${url} is still starting. See what npm start says, and try again.`)
    if (waits === 0) note?.(`${url} is starting. Waiting for it.`)
    await sleep(1_000 * Math.min(5, Number(answer.headers.get('retry-after') ?? 1)))
  }
}

const ask = (url: string, init?: RequestInit): Promise<Response> =>
  fetch(url, init).catch(() => {
    throw new SendError(`${url} does not answer. Start the local stack with npm start, or set URL to a scheduler unit.`)
  })

/** Of the JSON that a unit answers; none where it is no JSON. */
const fieldsOf = async (answer: Response): Promise<{ address?: string; id?: string; error?: string }> =>
  (await answer.json().catch(() => undefined)) ?? {}

/** The signer of a JWK file, which is made if it is missing. Fails with SendError. */
export function openWallet(file: string): ArweaveSigner {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
    writeFileSync(file, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 })
  }
  try {
    return new ArweaveSigner(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    throw new SendError(`WALLET: ${file} is not the JSON of an Arweave wallet. Set WALLET to one, or to a new file.`)
  }
}

if (import.meta.main) {
  // URL in .env is the unit's public address, and not where this sends to.
  const { URL: given } = process.env
  if (existsSync('.env')) process.loadEnvFile('.env')
  const { PORT = '9000', STATE_DIR = '.local', WALLET = join(STATE_DIR, 'client-wallet.json') } = process.env
  try {
    const order = readOrder(process.argv.slice(2))
    const client = { url: given || `http://127.0.0.1:${PORT}`, signer: openWallet(WALLET), note: console.error }
    console.log(await send(order, client))
  } catch (error) {
    if (!(error instanceof SendError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
