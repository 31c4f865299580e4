/** What all scenarios speak of: the recorded items, the transactions that the gateway has, and how they are asked. */
import items from '../data/conformance/items.json' with { type: 'json' }

export type ItemName = keyof typeof items.items

export const { addresses, txs } = items
/** A transaction that no gateway has, and a process that nobody began. */
export const { missing, nobody } = items

export const raw = (name: ItemName): Buffer => Buffer.from(items.items[name].raw, 'base64url')
export const id = (name: ItemName): string => items.items[name].id
/** The data of a message that is none in UTF-8, or an odd one. */
export const dataOf = (name: 'msgBinary' | 'msgUtf8'): Buffer => Buffer.from(items.items[name].data, 'base64url')
export const A = id('procA')
export const B = id('procB')

const itemIds: ReadonlySet<string> = new Set(Object.values(items.items).map((item) => item.id))
export const isItemId = (text: string): boolean => itemIds.has(text)

export interface Answer {
  status: number
  type: string | null
  /** Where it redirects to, the unit as `<unit 1>` or `<unit 2>`. */
  location: string | undefined
  text: string
  /** The body, if it is JSON. */
  json: unknown
}

export interface Question {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS'
  /** Path and query. */
  path: string
  body?: Buffer
  headers?: Record<string, string>
}

/** Asks the unit, and keeps the answer under the name by which it will be judged. */
export type Ask = (name: string, question: Question) => Promise<Answer>

export const get = (path: string): Question => ({ method: 'GET', path })
export const postItem = (name: ItemName, path = '/'): Question => ({ method: 'POST', path, body: raw(name) })
export const postBytes = (body: Buffer): Question => ({ method: 'POST', path: '/', body })
export const assign = (process: string, transaction: string, rest = ''): Question => ({
  method: 'POST',
  path: `/?process-id=${process}&assign=${transaction}${rest}`,
})

/** The schedule of a process, further parameters behind `process-id`. */
export const schedule = (process: string, ...parameters: string[]): Question =>
  get(`/${process}?${[`process-id=${process}`, ...parameters].join('&')}`)
export const record = (recordId: string, process: string): Question => get(`/${recordId}?process-id=${process}`)
