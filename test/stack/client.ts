/** A client as the MU is one: it signs items, posts them, and asks again when it gets no answer or a 502 or 503. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSigner, type Signer } from '../../core/ans104/signer.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }

export interface Item {
  id: string
  raw: Buffer
}

export interface Posted {
  id: string
  /** How often it was posted until it was answered. */
  tries: number
}

const wallet: Signer = createSigner(wallets.alice)
export const otherWallet: Signer = createSigner(wallets.bob)

const ao = (type: string) => [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Variant', value: 'ao.TN.1' },
  { name: 'Type', value: type },
]

export const processItem = (name: string, owner: Signer = wallet): Promise<Item> =>
  owner.sign({
    tags: [...ao('Process'), ...['Module', 'Scheduler'].map((tag) => ({ name: tag, value: wallet.address }))],
    data: Buffer.from(name),
  })

export const messageItem = (process: string, text: string, bytes = 0): Promise<Item> =>
  wallet.sign({
    target: Buffer.from(process, 'base64url'),
    tags: [...ao('Message'), { name: 'Reference', value: text }],
    data: bytes > 0 ? Buffer.alloc(bytes, text) : Buffer.from(text),
  })

/** A message as a process pushes it: its deep hash is kept. */
export const pushedItem = (process: string, text: string): Promise<Item> =>
  wallet.sign({
    target: Buffer.from(process, 'base64url'),
    tags: [...ao('Message'), { name: 'From-Process', value: process }],
    data: Buffer.from(text),
  })

export const messageItems = (process: string, count: number, name = 'm'): Promise<Item[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => messageItem(process, `${name} ${i}`)))

/** Follows a router's redirect, as every client does, unless told otherwise. */
export const postOnce = (url: string, { raw }: Item, redirect: 'follow' | 'manual' = 'follow'): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    redirect,
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(raw),
    signal: AbortSignal.timeout(30_000),
  })

/** Posts until it is answered; anything but 200, 502 and 503 is an error. @param url asked anew for each try */
export async function post(url: () => string, item: Item): Promise<Posted> {
  for (let tries = 1; ; tries++) {
    if (tries > 200) throw new Error(`${item.id} was never answered`)
    try {
      const response = await postOnce(url(), item)
      const body = await response.text()
      if (response.status === 200) return { id: JSON.parse(body).id, tries }
      if (response.status !== 502 && response.status !== 503)
        throw new Error(`${response.status} ${body}`, { cause: 'answered' })
    } catch (error) {
      if (error instanceof Error && error.cause === 'answered') throw error
    }
    await sleep(50 + 200 * Math.random())
  }
}

/** Runs `work` over all, so many at once, in order of beginning. */
export async function inParallel<T, R>(all: readonly T[], atOnce: number, work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < all.length; index = next++) {
      const one = all[index]
      if (one !== undefined) results[index] = await work(one)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}
