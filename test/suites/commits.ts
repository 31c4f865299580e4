/** Commits as the sequencer would make them, for the suites of what keeps a log. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { Signer } from '../../core/ans104/signer.ts'
import { type ChainContext, chainEntry, chainProcess } from '../../core/log/chain.ts'
import type { Entry } from '../../core/log/entry.ts'
import type { Head } from '../../core/log/record.ts'
import type { Commit, Link, LogStore } from '../../core/ports/log-store.ts'
import { noMeter } from '../../core/ports/meter.ts'

export const now = 1_700_000_000_000

export const randomId = () => randomBytes(32).toString('base64url')

export const chainContext = (signer: Signer): ChainContext => ({ signer, meter: noMeter, now, height: 1_800_000 })

export async function signedItem(signer: Signer, data: string, target?: Buffer) {
  const made = await signer.sign({
    tags: [{ name: 'n', value: 'v' }],
    data: Buffer.from(data),
    ...(target && { target }),
  })
  return { id: made.id, raw: made.raw }
}

export async function messageTo(signer: Signer, process: string, more: Partial<Entry> = {}): Promise<Entry> {
  const stored = await signedItem(signer, 'hello', Buffer.from(process, 'base64url'))
  return { process, kind: 'message', id: stored.id, item: stored, exclude: [], ...more }
}

export const bareHead = (process: string): Head => ({
  process,
  state: 'open',
  next: 0,
  timestamp: now,
  blockHeight: 1_800_000,
  epoch: 0,
  firstNonce: 0,
  settlementDepth: 20,
})

/** Begins a process with an assignment. */
export async function spawnIn(store: LogStore, signer: Signer): Promise<{ process: string; head: Head }> {
  const item = await signedItem(signer, 'process')
  const process = item.id
  const { assignment, hashChain, head } = await chainProcess(bareHead(process), chainContext(signer))
  const times = { timestamp: now, timeKey: now, blockHeight: 1_800_000 }
  const record = {
    process,
    kind: 'process',
    item,
    id: process,
    ...times,
    nonce: 0,
    assignment: assignment.raw,
  } as const
  await store.spawn({ head, record, hashChain, assignmentId: assignment.id, token: randomUUID() })
  return { process, head }
}

/** Chains entries to a head, in their order. */
export async function chainEntries(
  head: Head,
  entries: readonly Entry[],
  context: ChainContext,
): Promise<{ links: Link[]; to: Head }> {
  const links: Link[] = []
  let to = head
  for (const entry of entries) {
    const { link, head: next } = await chainEntry(to, entry, context)
    links.push(link)
    to = next
  }
  return { links, to }
}

/** @param marks of each link, what the commit says of it beside its place */
export async function commitOf(
  signer: Signer,
  from: Head,
  entries: readonly Entry[],
  marks: readonly Pick<Link, 'submission' | 'successor'>[] = [],
): Promise<Commit> {
  const { links, to } = await chainEntries(from, entries, chainContext(signer))
  return { from, to, links: links.map((link, i) => ({ ...link, ...marks[i] })), token: randomUUID() }
}
