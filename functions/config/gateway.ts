/** Which Arweave gateway is asked for what (contract, "The gateway"). */
import * as v from 'valibot'
import { count, httpUrl, httpUrls } from './variables.ts'

const GATEWAY = 'set GATEWAY_URL to the address of an Arweave gateway, such as https://arweave.net.'

const arweaveVariables = { GATEWAY_URL: v.optional(httpUrl), ARWEAVE_URL: v.optional(httpUrl) }

/** All that the height function asks. */
export const network = v.pipe(
  v.object(arweaveVariables),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }) => {
    const arweaveUrl = env.ARWEAVE_URL ?? env.GATEWAY_URL
    if (arweaveUrl === undefined) {
      addIssue({ message: `ARWEAVE_URL is missing, and so is GATEWAY_URL: ${GATEWAY}` })
      return NEVER
    }
    return { arweaveUrl }
  }),
)

export const gateway = v.pipe(
  v.object({
    ...arweaveVariables,
    GRAPHQL_URL: v.optional(httpUrl),
    ARWEAVE_URL_LIST: v.optional(httpUrls, 'https://arweave.net,https://g8way.io'),
    MAX_ASSIGN_BYTES: count('bytes', 100_000_000),
  }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }) => {
    const arweaveUrl = env.ARWEAVE_URL ?? env.GATEWAY_URL
    const graphqlUrl = env.GRAPHQL_URL ?? env.GATEWAY_URL
    if (arweaveUrl === undefined || graphqlUrl === undefined) {
      const missing = [arweaveUrl === undefined && 'ARWEAVE_URL', graphqlUrl === undefined && 'GRAPHQL_URL']
      addIssue({ message: `GATEWAY_URL is missing, and so is ${missing.filter(Boolean).join(' and ')}: ${GATEWAY}` })
      return NEVER
    }
    return { arweaveUrl, graphqlUrl, bootUrls: env.ARWEAVE_URL_LIST, maxDataBytes: env.MAX_ASSIGN_BYTES }
  }),
)
