/** The environment of a unit's and of a router's functions in the local stack: what was configured, and where the stack's parts are. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { localCredentials, localRegion } from './dynamodb.ts'
import type { StackOptions } from './options.ts'

export interface Places {
  /** The unit's own address. */
  url: string
  /** Where DynamoDB and S3 are reached, latencies and all. */
  dynamodb: string
  s3: string
  /** The stand-in for gateway, bundler and cache, where there is one. */
  gateway: string | undefined
  /** Names of tables and bucket, addresses of the database. */
  variables: Record<string, string>
}

/** Whether anything is left that only the stand-in can be. */
export const needsStandIn = ({ GATEWAY_URL, UPLOAD_NODE_URL, CACHE_URL }: Readonly<Record<string, string>>): boolean =>
  [GATEWAY_URL, UPLOAD_NODE_URL, CACHE_URL].includes(undefined)

export const environmentOf = ({ variables, stateDir }: StackOptions, places: Places): Record<string, string> => {
  const standIn =
    places.gateway === undefined
      ? {}
      : { GATEWAY_URL: places.gateway, UPLOAD_NODE_URL: places.gateway, CACHE_URL: places.gateway }
  const gateway = variables.GATEWAY_URL ?? places.gateway
  const defaults = {
    URL: places.url,
    ...standIn,
    ...(gateway === undefined ? {} : { GRAPHQL_URL: gateway, ARWEAVE_URL: gateway, ARWEAVE_URL_LIST: gateway }),
  }
  return {
    ...defaults,
    ...variables,
    ...walletVariables(variables, stateDir),
    ...places.variables,
    DYNAMODB_ENDPOINT: places.dynamodb,
    S3_ENDPOINT: places.s3,
    ...ofAws,
  }
}

const ofAws = {
  AWS_REGION: localRegion,
  AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
}

export interface RouterPlaces {
  /** The router's own address. */
  url: string
  /** Where its DynamoDB is reached. */
  dynamodb: string
  /** The name of its table. */
  variables: Record<string, string>
}

/** A router has no wallet, and nothing to do with metadata. */
export const routerEnvironmentOf = (
  { variables }: Pick<StackOptions, 'variables'>,
  places: RouterPlaces,
): Record<string, string> => {
  const { SU_WALLET, SU_WALLET_PATH, DATABASE_URL, DATABASE_READ_URL, NEON_PROXY_URL, ...rest } = variables
  const { SCHEDULER_LIST_PATH: path } = rest
  return {
    URL: places.url,
    ...rest,
    ...(path === undefined ? {} : { SCHEDULER_LIST_PATH: resolve(path) }),
    ...places.variables,
    PLACEMENTS_ENDPOINT: places.dynamodb,
    ...ofAws,
  }
}

/** The file in which the stack keeps a wallet of its own, where none is given. */
export const ownWallet = ({ variables, stateDir }: Pick<StackOptions, 'variables' | 'stateDir'>): string | undefined =>
  variables.SU_WALLET === undefined && variables.SU_WALLET_PATH === undefined
    ? join(stateDir, 'wallet.json')
    : undefined

/** The functions run in folders of their own, so a path must not depend on where it is read. */
const walletVariables = (variables: StackOptions['variables'], stateDir: string): Record<string, string> => {
  const path = ownWallet({ variables, stateDir }) ?? variables.SU_WALLET_PATH
  return path === undefined ? {} : { SU_WALLET_PATH: resolve(path) }
}

/**
 * Keeps the environment in a file, for commands that work on the running stack's data. Without what only the functions
 * themselves need to be trusted, and for its owner's eyes, since a database's address holds a password.
 */
export const writeEnvironment = (stateDir: string, environment: Readonly<Record<string, string>>): void => {
  const { SU_WALLET, ROUTER_SECRET, ...rest } = environment
  writeFileSync(join(stateDir, environmentFile), `${JSON.stringify(rest, undefined, 2)}\n`, { mode: 0o600 })
}

export const environmentFile = 'env.json'
