/** What a stack says of itself when it is up: a few lines for people. */
import { resolve } from 'node:path'
import type { StackOptions } from './options.ts'
import { addressOf, readWallet } from './wallet.ts'

/** What runs where, by a name in the first column. */
export type SummaryLine = readonly [label: string, text: string]

const width = 16

export const linesOf = (summary: readonly SummaryLine[]): string[] =>
  summary.map(([label, text]) => label.padEnd(width) + text)

type Environment = Readonly<Record<string, string>>

/** @returns the first thing to try, as it is typed in another terminal */
export const nextCommand = (url: string, { stateDir }: Pick<StackOptions, 'stateDir'>): string => {
  const variables = [
    ...(url === 'http://127.0.0.1:9000' ? [] : [`URL=${url}`]),
    ...(stateDir === resolve('.local') ? [] : [`STATE_DIR=${stateDir}`]),
  ]
  return [...variables, `npm run -s send -- process 'print("hello")'`].join(' ')
}

export const sizeLine = (url: string, { instances, concurrency }: StackOptions): string =>
  `${url}, ${instances} ${instances === 1 ? 'instance' : 'instances'}, ${concurrency === 1 ? 'one request' : `${concurrency} requests`} each`

export const walletLine = ({ SU_WALLET, SU_WALLET_PATH = '' }: Environment): SummaryLine => {
  const address = addressOf(SU_WALLET ?? readWallet(SU_WALLET_PATH)) ?? 'not readable'
  return ['Wallet', SU_WALLET === undefined ? `${address}, ${SU_WALLET_PATH}` : address]
}

export const arweaveLine = ({ GATEWAY_URL, UPLOAD_NODE_URL, CACHE_URL }: Environment): SummaryLine => [
  'Arweave',
  GATEWAY_URL === UPLOAD_NODE_URL && GATEWAY_URL === CACHE_URL
    ? `${GATEWAY_URL}, gateway, bundler and cache in one`
    : `gateway ${GATEWAY_URL}, bundler ${UPLOAD_NODE_URL}, cache ${CACHE_URL}`,
]

/** Where the data is, and what of it is not served now. */
export const dataLines = (stateDir: string, notServed: string | undefined): SummaryLine[] => [
  ['Data', stateDir],
  ...(notServed === undefined ? [] : ([['Note', notServed]] as const)),
]
