/**
 * A data item's own bytes out of the bundle that brought it to Arweave (ANS-104): what a gateway tells of an item may lack its
 * signature, and its bundle is always there. Only what is needed of it is fetched.
 */
import { readUInt64 } from '../core/ans104/uint64.ts'
import { ask, below, body, discard, request, type Service, trouble, WITHHELD } from './service.ts'

/** The header: a number of items, and for each its length and its id, 32 bytes each. */
const NUMBER_BYTES = 32
const ENTRY_BYTES = 2 * NUMBER_BYTES
/** A header of more is not read. */
const MAX_ITEMS = 200_000

export interface Bundled {
  id: string
  /** Id of the bundle, a transaction or itself an item of another bundle. */
  bundle: string
}

/** Undefined where the bundle is not there, or has no such item of at most so many bytes. Fails with `unavailable`. */
export async function bundledItem(
  service: Service,
  arweaveUrl: string,
  { id, bundle }: Bundled,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const url = below(arweaveUrl, `raw/${bundle}`)
  const count = numberAt(await part(service, url, 0, NUMBER_BYTES))
  if (count === undefined || count > MAX_ITEMS) return undefined
  const entries = await part(service, url, NUMBER_BYTES, count * ENTRY_BYTES)
  if (!entries) return undefined
  let start = NUMBER_BYTES + entries.length
  for (let entry = 0; entry < entries.length; entry += ENTRY_BYTES) {
    const length = numberAt(entries.subarray(entry, entry + NUMBER_BYTES))
    if (length === undefined) return undefined
    if (entries.toString('base64url', entry + NUMBER_BYTES, entry + ENTRY_BYTES) === id) {
      return length > maxBytes ? undefined : part(service, url, start, length)
    }
    start += length
  }
  return undefined
}

/** Undefined for one that is too large to be a length. */
function numberAt(bytes: Buffer | undefined): number | undefined {
  if (bytes?.length !== NUMBER_BYTES || bytes.subarray(7).some((byte) => byte !== 0)) return undefined
  return readUInt64(bytes)
}

/** So many bytes from there; undefined where there are not so many, or nothing at all. */
const part = (service: Service, url: URL, start: number, length: number): Promise<Buffer | undefined> =>
  ask(service, async (signal) => {
    if (length === 0) return Buffer.alloc(0)
    const response = await request(service, url, {
      headers: { range: `bytes=${start}-${start + length - 1}`, 'accept-encoding': 'identity' },
      signal,
    })
    if ([404, 410, 416, WITHHELD].includes(response.status)) {
      await discard(response)
      return undefined
    }
    if (response.status !== 200 && response.status !== 206) throw await trouble(service, response)
    // A gateway that knows no ranges sends all of it from the beginning.
    let skip = response.status === 206 ? 0 : start
    const chunks: Buffer[] = []
    let taken = 0
    for await (const chunk of body(service, response)) {
      const from = Math.min(skip, chunk.length)
      skip -= from
      const wanted = Buffer.from(chunk.subarray(from, from + length - taken))
      taken += wanted.length
      chunks.push(wanted)
      if (taken === length) break
    }
    return taken === length ? Buffer.concat(chunks) : undefined
  })
