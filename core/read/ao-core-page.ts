/**
 * A page of the schedule as `application/aos-2`, the JSON that HyperBEAM's clients read (docs/protocol.md, "AO-Core
 * paths"). It is made from the signed bytes: the legacy form shows U+FFFD where data is not text, and this one must not.
 */
import { isUtf8 } from 'node:buffer'
import { parseBundle } from '../ans104/bundle.ts'
import { type DataItem, ownerAddress } from '../ans104/data-item.ts'
import { tagValue } from '../ans104/tags.ts'
import type { Page } from './page.ts'
import { outOfPlace } from './read-records.ts'

export interface AoCorePageInfo {
  process: string
  /** Now, ms. Readers take it for the network's clock, so a page is never kept. */
  timestamp: number
  /** The network's height. */
  blockHeight: number
}

/** The page's JSON text. Fails with `unavailable`. */
export async function aoCorePageText(page: Page, { process, timestamp, blockHeight }: AoCorePageInfo): Promise<string> {
  const info = {
    process,
    has_next_page: page.hasNextPage,
    timestamp: String(timestamp),
    'block-height': String(blockHeight),
  }
  return `{"page_info":${JSON.stringify(info)},"edges":[${(await edgesOf(page)).join(',')}]}`
}

async function edgesOf(page: Page): Promise<string[]> {
  if (!page.nonces) return []
  const items = parseBundle(await collected(await page.bundle()))
  const edges: string[] = []
  for (let at = 0, nonce = page.nonces.first; at < items.length; nonce++) {
    const assignment = items[at++]
    if (assignment === undefined) throw outOfPlace()
    const named = tagValue(assignment.tags, 'Message')
    // Without a `Message` tag the item behind is the process, or the message of an assignment of the oldest shape.
    const item = named === undefined || items[at]?.id === named ? items[at++] : undefined
    const message = item ? itemText(item) : JSON.stringify({ Id: named })
    edges.push(`{"cursor":${nonce},"node":{"message":${message},"assignment":${assignmentText(assignment)}}}`)
  }
  return edges
}

const itemText = (item: DataItem): string =>
  fieldsText(item, {
    target: item.target.toString('base64url'),
    // Never U+FFFD: a reader computes on what it gets.
    data: isUtf8(item.data) ? item.data.toString('utf8') : null,
  })

/** An assignment of the oldest shape carries its message's bundle as data, which is the message's half to show. */
const assignmentText = (item: DataItem): string => fieldsText(item, { target: '', data: '' })

function fieldsText(item: DataItem, { target, data }: { target: string; data: string | null }): string {
  const owner = ownerAddress(item.owner)
  return JSON.stringify({
    Id: item.id,
    Anchor: isUtf8(item.anchor) ? item.anchor.toString('utf8') : '',
    Owner: owner,
    From: item.tags.find(({ name }) => name === 'From-Process' || name === 'from-process')?.value ?? owner,
    Tags: item.tags,
    Target: target,
    Data: data,
    Signature: item.signature.toString('base64url'),
    PublicKey: item.owner.toString('base64url'),
  })
}

/** A page is bounded, 5 MB unless one record is larger. */
async function collected(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}
