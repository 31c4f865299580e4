/** Looks a Scheduler-Location up as clients do (ao-scheduler-utils asks the same question): adapter of `core/ports/location-source.ts`. */
import * as v from 'valibot'
import { idBytes } from '../core/ans104/base64url.ts'
import { tagValue } from '../core/ans104/tags.ts'
import type { LocationSource } from '../core/ports/location-source.ts'
import { askGraphql } from './graphql.ts'
import { ask, type Service } from './service.ts'

export interface LocationSourceOptions {
  /** GRAPHQL_URL, with or without `/graphql` at its end. */
  graphqlUrl: string
  /** How long a question may take, all attempts together, ms. */
  deadlineMs?: number
}

const node = v.object({
  id: v.string(),
  tags: v.array(v.object({ name: v.string(), value: v.string() })),
  /** s */
  block: v.nullish(v.object({ timestamp: v.number() })),
})
const found = v.object({ transactions: v.object({ edges: v.array(v.object({ node })) }) })

const QUERY = `query ($owner: String!) {
  transactions(
    owners: [$owner]
    tags: [{ name: "Data-Protocol", values: ["ao"] }, { name: "Type", values: ["Scheduler-Location"] }]
    sort: HEIGHT_DESC
    first: 1
  ) { edges { node { id tags { name value } block { timestamp } } } }
}`

export function createLocationSource({ graphqlUrl, deadlineMs = 8_000 }: LocationSourceOptions): LocationSource {
  const gateway: Service = { name: 'The gateway', deadlineMs, attemptMs: deadlineMs / 2 }
  return {
    async newest(owner) {
      idBytes(owner)
      return await ask(gateway, async (signal) => {
        const { transactions } = await askGraphql(
          gateway,
          graphqlUrl,
          { query: QUERY, variables: { owner }, signal },
          found,
        )
        const [first] = transactions.edges
        if (!first) return undefined
        const { id, tags, block } = first.node
        return {
          id,
          url: tagValue(tags, 'Url'),
          ttlMs: milliseconds(tagValue(tags, 'Time-To-Live')),
          at: block ? block.timestamp * 1000 : undefined,
        }
      })
    },
  }
}

const milliseconds = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
