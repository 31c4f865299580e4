/** The part of Arweave's GraphQL that the unit and ao's clients use. */
import { createHash } from 'node:crypto'
import { buildSchema, type ExecutionResult, graphql } from 'graphql'
import type { Chain } from './chain.ts'
import type { GatewayStore, StoredTransaction } from './store.ts'

const schema = buildSchema(`
  type Tag { name: String! value: String! }
  type Owner { address: String! key: String! }
  type Amount { ar: String! winston: String! }
  type MetaData { size: String! type: String }
  type Block { id: ID! height: Int! timestamp: Int! previous: ID! }
  type Parent { id: ID! }
  type Transaction {
    id: ID! anchor: String! signature: String! recipient: String! owner: Owner! fee: Amount! quantity: Amount!
    data: MetaData! tags: [Tag!]! block: Block parent: Parent bundledIn: Parent
  }
  type PageInfo { hasNextPage: Boolean! }
  type TransactionEdge { cursor: String! node: Transaction! }
  type TransactionConnection { pageInfo: PageInfo! edges: [TransactionEdge!]! }
  input TagFilter { name: String! values: [String!]! }
  input BlockFilter { min: Int max: Int }
  enum SortOrder { HEIGHT_ASC HEIGHT_DESC }
  type Query {
    transaction(id: ID!): Transaction
    transactions(
      ids: [ID!] owners: [String!] recipients: [String!] tags: [TagFilter!] block: BlockFilter first: Int after: String sort: SortOrder
    ): TransactionConnection!
    block(id: String): Block
  }
`)

interface Filter {
  ids?: string[]
  owners?: string[]
  recipients?: string[]
  tags?: { name: string; values: string[] }[]
  block?: { min?: number; max?: number }
  first?: number
  after?: string
  sort?: 'HEIGHT_ASC' | 'HEIGHT_DESC'
}

export interface GraphqlRequest {
  query: string
  variables?: Record<string, unknown>
  operationName?: string
}

export const answerGraphql = (store: GatewayStore, chain: Chain, request: GraphqlRequest): Promise<ExecutionResult> => {
  const node = (found: StoredTransaction): Record<string, unknown> => ({
    ...found,
    recipient: found.target,
    owner: { address: addressOf(found.owner), key: found.owner },
    fee: { ar: '0', winston: '0' },
    quantity: { ar: '0', winston: '0' },
    data: { size: String(found.data.length), type: tagOf(found, 'Content-Type') ?? null },
    block: isMined(found, chain) ? chain.block(found.height) : null,
    parent: null,
    bundledIn: null,
  })
  const rootValue = {
    transaction: ({ id }: { id: string }) => {
      const found = store.get(id)
      return found && node(found)
    },
    transactions: (filter: Filter) => {
      const found = select(store, chain, filter)
      const page = found.slice(0, Math.min(filter.first ?? 10, 100))
      return {
        pageInfo: { hasNextPage: found.length > page.length },
        edges: page.map((one) => ({ cursor: one.id, node: node(one) })),
      }
    },
    block: () => chain.block(chain.height()),
  }
  const { query, variables, operationName } = request
  return graphql({ schema, source: query, rootValue, variableValues: variables, operationName })
}

export const tagOf = ({ tags }: StoredTransaction, name: string): string | undefined =>
  tags.find((tag) => tag.name === name)?.value

const addressOf = (owner: string): string =>
  createHash('sha256').update(Buffer.from(owner, 'base64url')).digest('base64url')

/** Known, and in a block by now. */
const isMined = (one: StoredTransaction, chain: Chain): one is StoredTransaction & { height: number } =>
  one.height !== undefined && one.height <= chain.height()

/** The newest first, as gateways do it: what waits for its block, then from the highest block down. */
const select = (store: GatewayStore, chain: Chain, filter: Filter): StoredTransaction[] => {
  const { ids, owners, recipients, tags, block, after, sort } = filter
  const candidates = ids ? ids.flatMap((id) => store.get(id) ?? []) : [...store.all()]
  const found = candidates.filter(
    (one) =>
      (!owners || owners.includes(addressOf(one.owner))) &&
      (!recipients || recipients.includes(one.target)) &&
      (!tags ||
        tags.every(({ name, values }) => one.tags.some((tag) => tag.name === name && values.includes(tag.value)))) &&
      (!block || (one.height !== undefined && one.height >= (block.min ?? 0) && one.height <= (block.max ?? Infinity))),
  )
  const heights = new Map(found.map((one) => [one, isMined(one, chain) ? one.height : Number.MAX_SAFE_INTEGER]))
  found.sort((a, b) => (heights.get(b) ?? 0) - (heights.get(a) ?? 0))
  if (sort === 'HEIGHT_ASC') found.reverse()
  return after === undefined ? found : found.slice(found.findIndex(({ id }) => id === after) + 1)
}
