/** The Arweave gateway over HTTP (contract, "The gateway"). */
import * as v from 'valibot'
import { decodeBase64url, idBytes, isId } from '../core/ans104/base64url.ts'
import { hasCode, SchedulerError } from '../core/errors.ts'
import type { Gateway, GatewayTransaction } from '../core/ports/gateway.ts'
import { askGraphql } from './graphql.ts'
import { ask, below, body, discard, final, json, request, type Service, trouble } from './service.ts'

export interface GatewayOptions {
  /** ARWEAVE_URL: height, status and raw data. */
  arweaveUrl: string
  /** GRAPHQL_URL, with or without `/graphql` at its end. */
  graphqlUrl: string
  /** ARWEAVE_URL_LIST: who is asked for `On-Boot`, in this order. */
  bootUrls: readonly string[]
  /** Transactions with more data than this are not assigned, bytes. */
  maxDataBytes: number
  /** How long a question may take, all attempts together, ms. */
  deadlineMs?: number
  /** How long the data of a transaction may take, ms. */
  dataDeadlineMs?: number
}

/** What a gateway says of a transaction that it does not have. */
const ABSENT = [404, 410]
/** Known, but in no block yet. */
const PENDING = 202

/** Twelve digits are what an assignment's `Block-Height` has room for. */
const info = v.object({ height: v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(999_999_999_999)) })

const status = v.object({ number_of_confirmations: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })

const bytes = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => decodeBase64url(text)),
  v.instance(Buffer),
)
const node = v.object({
  id: v.string(),
  recipient: v.pipe(
    bytes,
    v.check((recipient) => recipient.length === 0 || recipient.length === 32, 'not an address'),
  ),
  anchor: bytes,
  tags: v.array(v.object({ name: v.string(), value: v.string() })),
})
const found = v.object({ transactions: v.object({ edges: v.array(v.object({ node })) }) })

const QUERY =
  'query ($ids: [ID!]!) { transactions(ids: $ids) { edges { node { id recipient anchor tags { name value } } } } }'

/** Each call fails with `unavailable` and a time to come back when the gateway does not do its part in time. */
export function createGateway({
  arweaveUrl,
  graphqlUrl,
  bootUrls,
  maxDataBytes,
  deadlineMs = 8000,
  dataDeadlineMs = 20_000,
}: GatewayOptions): Gateway {
  const gateway: Service = { name: 'The gateway', deadlineMs, attemptMs: deadlineMs / 2 }
  const items: Service = { ...gateway, ofItems: true }
  const download: Service = { ...items, deadlineMs: dataDeadlineMs, attemptMs: dataDeadlineMs }

  return {
    height: () =>
      ask(gateway, async (signal) => {
        const response = await request(gateway, below(arweaveUrl, 'info'), { signal })
        if (response.status !== 200) throw await trouble(gateway, response)
        return (await json(gateway, response, info)).height
      }),

    async confirmations(id) {
      idBytes(id)
      return await ask(gateway, async (signal) => {
        const response = await request(gateway, below(arweaveUrl, `tx/${id}/status`), { signal })
        if (ABSENT.includes(response.status) || response.status === PENDING) {
          await discard(response)
          return undefined
        }
        if (response.status !== 200) throw await trouble(gateway, response)
        return (await json(gateway, response, status)).number_of_confirmations
      })
    },

    async transaction(id) {
      idBytes(id)
      return await ask(items, async (signal): Promise<GatewayTransaction | undefined> => {
        const asked = { query: QUERY, variables: { ids: [id] }, signal }
        const { transactions } = await askGraphql(items, graphqlUrl, asked, found)
        // A gateway that does not know the filter answers with whatever it has.
        return transactions.edges.find((edge) => edge.node.id === id)?.node
      })
    },

    async data(id, sink) {
      idBytes(id)
      return await ask(download, async (signal) => {
        const response = await request(download, below(arweaveUrl, `raw/${id}`), {
          // The hash is over the bytes as they are kept; what a gateway packs for the way, fetch unpacks.
          headers: { 'accept-encoding': 'identity' },
          signal,
        })
        if (ABSENT.includes(response.status) || response.status === PENDING) {
          await discard(response)
          return undefined
        }
        if (response.status === 204) return 0
        if (response.status !== 200) throw await trouble(download, response)
        if (Number(response.headers.get('content-length') ?? 0) > maxDataBytes) {
          await discard(response)
          throw tooLarge(maxDataBytes)
        }
        let length = 0
        try {
          for await (const chunk of body(download, response)) {
            length += chunk.length
            if (length > maxDataBytes) throw tooLarge(maxDataBytes)
            sink(chunk)
          }
        } catch (error) {
          // What the sink has taken cannot be taken back: no second attempt.
          if (hasCode(error, 'unavailable') && length > 0) throw final(error)
          throw error
        }
        return length
      })
    },

    async exists(id) {
      if (!isId(id)) return false
      const until = performance.now() + deadlineMs
      let failure: SchedulerError | undefined
      for (const [index, url] of bootUrls.entries()) {
        // A gateway that hangs must leave time to ask the others.
        const share = Math.max(0, until - performance.now()) / (bootUrls.length - index)
        try {
          if (await has({ ...items, deadlineMs: share, attemptMs: share, retries: 1 }, below(url, id))) return true
        } catch (error) {
          if (hasCode(error, 'unavailable')) failure = error
          // A gateway that did not answer may do so later. One that withholds the transaction will not.
          else if (hasCode(error, 'unreadable')) failure ??= error
          else throw error
        }
      }
      // A gateway that did not answer may have it.
      if (failure) throw failure
      return false
    },
  }
}

const has = (gateway: Service, url: URL): Promise<boolean> =>
  ask(gateway, async (signal) => {
    const response = await headersOf(gateway, url, signal)
    // Headers that are too large to read are the tags of an item.
    if (response === 'too-large') return true
    if (response.ok) {
      await discard(response)
      return true
    }
    if (!ABSENT.includes(response.status)) throw await trouble(gateway, response)
    await discard(response)
    return false
  })

const headersOf = (gateway: Service, url: URL, signal: AbortSignal): Promise<Response | 'too-large'> =>
  request(gateway, url, { method: 'HEAD', redirect: 'follow', signal }).catch((error: unknown) => {
    if (hasCode(error, 'unreadable')) return 'too-large'
    throw error
  })

const tooLarge = (maxBytes: number) =>
  new SchedulerError(
    'message-too-large',
    `The transaction has more data than the ${maxBytes} bytes that are assigned here`,
  )
