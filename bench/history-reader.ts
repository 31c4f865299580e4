/** A client that reads a process from its first message and verifies: nonces, hash chain, and that ids are those of what was signed. */
import { hash } from 'node:crypto'
import { parseBundle } from '../core/ans104/bundle.ts'
import type { Tag } from '../core/ans104/tags.ts'
import type { Answer, Client } from './load.ts'

export interface Verified {
  records: number
  bytes: number
}

/** What a reader keeps of the record before. */
interface Chain {
  nonce: number
  id: Buffer
  chain: Buffer
}

const tagOf = (tags: readonly Tag[], name: string): string => {
  const tag = tags.find((one) => one.name === name)
  if (!tag) throw new Error(`an assignment lacks ${name}`)
  return tag.value
}

class Verifier {
  private before: Chain | undefined
  records = 0

  next(tags: readonly Tag[], signature: Buffer, message: string | undefined): void {
    const nonce = Number(tagOf(tags, 'Nonce'))
    const chain = Buffer.from(tagOf(tags, 'Hash-Chain'), 'base64url')
    if (this.before) {
      if (nonce !== this.before.nonce + 1) throw new Error(`nonce ${nonce} follows ${this.before.nonce}`)
      const expected = hash('sha256', Buffer.concat([this.before.id, this.before.chain]), 'buffer')
      if (!expected.equals(chain)) throw new Error(`the chain breaks at nonce ${nonce}`)
      if (tagOf(tags, 'Message') !== message) throw new Error(`nonce ${nonce} is of another message`)
    }
    this.before = { nonce, id: hash('sha256', signature, 'buffer'), chain }
    this.records++
  }
}

interface PageJson {
  page_info: { has_next_page: boolean }
  edges: {
    node: { message: { id: string; signature: string } | null; assignment: { tags: Tag[]; signature: string } }
    cursor: string
  }[]
}

/** What is read, from its first message to its last. */
export interface Reading {
  process: string
  form: 'json' | 'bundle'
  /** Cursors are nonces; or timestamps, as compute units have them, up to that of the newest message (ms). */
  upTo?: number
}

/** Page after page of a thousand; the next one is asked for while this one is verified. */
export const readHistory = (client: Client, reading: Reading): Promise<Verified> =>
  reading.form === 'json' ? readAsJson(client, reading) : readAsBundles(client, reading)

function pathOf({ process, form, upTo }: Reading, from: string | undefined): string {
  const [lower, bounds] = upTo === undefined ? ['from-nonce', ''] : ['from', `&to=${upTo}`]
  const begin = from ?? (upTo === undefined ? '-1' : undefined)
  const asked = `/${process}?process-id=${process}${begin === undefined ? '' : `&${lower}=${begin}`}${bounds}&limit=1000`
  return form === 'bundle' ? `${asked}&format=bundle` : asked
}

async function readAsJson(client: Client, reading: Reading): Promise<Verified> {
  const verifier = new Verifier()
  let bytes = 0
  const ask = (from?: string) => client.send({ path: pathOf(reading, from) })
  for (let next: Promise<Answer> | undefined = ask(); next; ) {
    const { status, body }: Answer = await next
    if (status !== 200) throw new Error(`a page was answered ${status}`)
    bytes += body.length
    // Whether there is a next page stands in front, where it begins at the end.
    const more = body.toString('latin1', 0, 64).includes('"has_next_page":true')
    const cursor = /"cursor":"(\d+)"}]}$/.exec(body.toString('latin1', body.length - 64))?.[1]
    next = more && cursor !== undefined ? ask(cursor) : undefined
    const page: PageJson = JSON.parse(body.toString())
    if (page.page_info.has_next_page !== more || page.edges.at(-1)?.cursor !== cursor) throw new Error('a page is torn')
    for (const { node } of page.edges) {
      const { message, assignment } = node
      const id = message && hash('sha256', Buffer.from(message.signature, 'base64url'), 'base64url')
      if (message && id !== message.id) throw new Error('a message has the id of another')
      verifier.next(assignment.tags, Buffer.from(assignment.signature, 'base64url'), id ?? undefined)
    }
  }
  return { records: verifier.records, bytes }
}

/** The same stretches as bundles: where the next one begins is said before the items. */
async function readAsBundles(client: Client, reading: Reading): Promise<Verified> {
  const verifier = new Verifier()
  let bytes = 0
  const ask = (from?: string) => client.send({ path: pathOf(reading, from) })
  for (let next: Promise<Answer> | undefined = ask(); next; ) {
    const { status, headers, body }: Answer = await next
    if (status !== 200) throw new Error(`a page was answered ${status}`)
    bytes += body.length
    next = headers?.['x-has-next-page'] === 'true' ? ask(String(headers['x-last-cursor'])) : undefined
    // The parser finds that each item has the id that the bundle says.
    const items = parseBundle(body)
    for (let at = 0; at < items.length; at += 2) {
      const assignment = items[at]
      if (assignment) verifier.next(assignment.tags, assignment.signature, items[at + 1]?.id)
    }
  }
  return { records: verifier.records, bytes }
}
