/**
 * What a gateway has of a log's uploads: adapter of `SignedSource`, `BodySource` and `UploadIndex` (core/ports/restore-sources.ts). An
 * item is put together again from what GraphQL tells of it and its data, or cut out of its bundle. Nothing of it is verified here.
 */
import * as v from 'valibot'
import { assembleDataItem } from '../core/ans104/assemble.ts'
import { decodeBase64url, idOf, isId } from '../core/ans104/base64url.ts'
import { signatureTypes } from '../core/ans104/signature-types.ts'
import { tagValue } from '../core/ans104/tags.ts'
import { hasCode, SchedulerError } from '../core/errors.ts'
import type { Nonce } from '../core/ports/log-restore.ts'
import type { BodySource, SignedNonce, SignedSource, UploadIndex } from '../core/ports/restore-sources.ts'
import { bundledItem } from './bundled-item.ts'
import { askGraphql } from './graphql.ts'
import { ask, below, body, discard, request, type Service, trouble, WITHHELD } from './service.ts'

export interface UploadedLogOptions {
  /** ARWEAVE_URL: raw data. */
  arweaveUrl: string
  /** GRAPHQL_URL, with or without `/graphql` at its end. */
  graphqlUrl: string
  /** The wallet's address: whose assignments are looked for. */
  wallet: string
  /** Larger items are not looked for, bytes. */
  maxItemBytes?: number
  /** How long a question may take, all attempts together, ms. */
  deadlineMs?: number
}

export type UploadedLog = SignedSource & BodySource & UploadIndex

/** What gateways give at once. */
const PAGE = 100

const node = v.object({
  id: v.string(),
  signature: v.nullish(v.string(), ''),
  anchor: v.nullish(v.string(), ''),
  recipient: v.nullish(v.string(), ''),
  owner: v.object({ key: v.nullish(v.string(), '') }),
  tags: v.array(v.object({ name: v.string(), value: v.string() })),
  data: v.nullish(v.object({ size: v.nullish(v.union([v.string(), v.number()])) })),
  block: v.nullish(v.object({ height: v.number() })),
  bundledIn: v.nullish(v.object({ id: v.string() })),
})
type Node = v.InferOutput<typeof node>

const found = v.object({
  transactions: v.object({
    pageInfo: v.object({ hasNextPage: v.boolean() }),
    edges: v.array(v.object({ cursor: v.nullish(v.string()), node })),
  }),
})

const foundIds = v.object({
  transactions: v.object({ edges: v.array(v.object({ node: v.object({ id: v.string() }) })) }),
})

const ANSWER = `pageInfo { hasNextPage } edges { cursor node {
  id signature anchor recipient owner { key } tags { name value } data { size } block { height } bundledIn { id }
} }`

const ASSIGNMENTS = `query ($owner: String!, $after: String, $tags: [TagFilter!]!) {
  transactions(owners: [$owner], tags: $tags, sort: HEIGHT_DESC, first: ${PAGE}, after: $after) { ${ANSWER} }
}`
const BY_ID = `query ($ids: [ID!]!) { transactions(ids: $ids, first: 1) { ${ANSWER} } }`
/** Without tags: those of many large items are more than is read at once. */
const IDS = `query ($ids: [ID!]!) { transactions(ids: $ids, first: ${PAGE}) { edges { node { id } } } }`

const ASSIGNMENT = [
  { name: 'Data-Protocol', values: ['ao'] },
  { name: 'Type', values: ['Assignment'] },
]

export function createUploadedLog({
  arweaveUrl,
  graphqlUrl,
  wallet,
  maxItemBytes = 12_000_000,
  deadlineMs = 30_000,
}: UploadedLogOptions): UploadedLog {
  const gateway: Service = { name: 'The gateway', deadlineMs, attemptMs: deadlineMs / 2, ofItems: true }

  const query = <T>(text: string, variables: object, schema: v.GenericSchema<unknown, T>): Promise<T> =>
    ask(gateway, (signal) => askGraphql(gateway, graphqlUrl, { query: text, variables, signal }, schema))

  /** Assignments by the wallet with these tags too, the newest first, a page at a time. */
  async function* assignments(tags: readonly object[]): AsyncGenerator<Node[]> {
    let after: string | undefined
    for (;;) {
      const variables = { owner: wallet, tags: [...ASSIGNMENT, ...tags], ...(after !== undefined && { after }) }
      const { pageInfo, edges } = (await query(ASSIGNMENTS, variables, found)).transactions
      yield edges.map((edge) => edge.node)
      if (!pageInfo.hasNextPage) return
      after = edges.at(-1)?.cursor ?? undefined
      // What it has not told of is not to be taken for what is not there.
      if (after === undefined) throw new SchedulerError('unavailable', 'The gateway answers a page without an end')
    }
  }

  /** An item's data; undefined where it has too much, or the gateway does not give it. */
  const dataOf = (id: string): Promise<Buffer | undefined> =>
    ask(gateway, async (signal) => {
      const response = await request(gateway, below(arweaveUrl, `raw/${id}`), { signal })
      if ([404, 410, WITHHELD].includes(response.status)) {
        await discard(response)
        return undefined
      }
      if (response.status !== 200) throw await trouble(gateway, response)
      const chunks: Uint8Array[] = []
      let bytes = 0
      for await (const chunk of body(gateway, response)) {
        bytes += chunk.length
        if (bytes > maxItemBytes) return undefined
        chunks.push(chunk)
      }
      return Buffer.concat(chunks)
    })

  /** Each way in which the item may have been laid out; none where the gateway does not give its bytes. */
  async function rawItems(of: Node): Promise<Buffer[]> {
    if (layouts(of, Buffer.alloc(0)).length > 0) {
      const data = Number(of.data?.size ?? 1) === 0 ? Buffer.alloc(0) : await dataOf(of.id)
      if (data) return layouts(of, data)
    }
    const bundle = of.bundledIn?.id
    if (bundle === undefined || !isId(bundle)) return []
    const raw = await bundledItem(gateway, arweaveUrl, { id: of.id, bundle }, maxItemBytes)
    return raw ? [raw] : []
  }

  return {
    name: 'the uploads',

    async *since(height) {
      for await (const nodes of assignments([])) {
        yield nodes.flatMap((one) => nonceOf(one) ?? [])
        // The newest come first; what has no block yet is newer than that.
        if (nodes.length > 0 && nodes.every(({ block }) => block && block.height < height)) return
      }
    },

    async assignments(process, nonces) {
      const wanted = new Set(nonces)
      const tags = [
        { name: 'Process', values: [process] },
        { name: 'Nonce', values: nonces.map(String) },
      ]
      const signed: SignedNonce[] = []
      for await (const nodes of assignments(tags)) {
        for (const one of nodes) {
          const place = nonceOf(one)
          if (place?.process !== process || !wanted.has(place.nonce)) continue
          const [raw] = await rawItems(one)
          signed.push({ nonce: place.nonce, ...(raw && { raw }) })
        }
      }
      return signed
    },

    async bodies(id) {
      if (!isId(id)) return []
      const { edges } = (await query(BY_ID, { ids: [id] }, found)).transactions
      // A gateway that ignores the filter answers with any items.
      const one = edges.find(({ node }) => node.id === id)
      return one ? rawItems(one.node) : []
    },

    async uploaded(ids) {
      const asked = ids.filter(isId)
      const uploaded = new Set<string>()
      for (let from = 0; from < asked.length; from += PAGE) {
        const { edges } = (await query(IDS, { ids: asked.slice(from, from + PAGE) }, foundIds)).transactions
        for (const { node } of edges) if (asked.includes(node.id)) uploaded.add(node.id)
      }
      return uploaded
    },
  }
}

function nonceOf({ tags }: Node): Nonce | undefined {
  const process = tagValue(tags, 'Process') ?? ''
  const nonce = tagValue(tags, 'Nonce') ?? ''
  return isId(process) && /^\d{1,15}$/.test(nonce) ? { process, nonce: Number(nonce) } : undefined
}

/** The raw item in each signature type that has these lengths; none where the gateway does not tell all of it. */
function layouts({ id, signature, anchor, recipient, owner, tags }: Node, data: Buffer): Buffer[] {
  const parts = {
    signature: decodeBase64url(signature),
    owner: decodeBase64url(owner.key),
    target: decodeBase64url(recipient),
    anchor: decodeBase64url(anchor),
  }
  const { signature: signed, owner: key, target, anchor: nonce } = parts
  if (!signed || !key || !target || !nonce || idOf(signed) !== id) return []
  if (![0, 32].includes(target.length) || ![0, 32].includes(nonce.length)) return []
  const fitting = [...signatureTypes].filter(
    ([, { signature: s, owner: o }]) => s === signed.length && o === key.length,
  )
  try {
    return fitting.map(([signatureType]) =>
      assembleDataItem({ signatureType, signature: signed, owner: key, target, anchor: nonce, tags, data }),
    )
  } catch (error) {
    // Tags that no data item can have.
    if (hasCode(error, 'invalid-item')) return []
    throw error
  }
}
