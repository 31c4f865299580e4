/** Signed items for the tests of scheduling: the recorded ones, and others signed on the spot with the same wallets. */
import { createHash } from 'node:crypto'
import { createData, EthereumSigner } from 'arbundles'
import { type DataItem, parseDataItem } from '../../../core/ans104/data-item.ts'
import { createSigner, type Signer } from '../../../core/ans104/signer.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import { recorded, recordedItem, recordedRaw, wallets } from '../ans104/recorded.ts'

export { recorded, recordedItem, recordedRaw, wallets }

export const alice = createSigner(wallets.alice)
export const bob = createSigner(wallets.bob)
export const A = recorded.items.procA.id
export const B = recorded.items.procB.id

export const idFrom = (seed: string): string => createHash('sha256').update(seed).digest('base64url')

/** Names and values; a list of values makes several tags of one name. */
export type TagsByName = Record<string, string | string[]>

export const tagList = (tags: TagsByName): Tag[] =>
  Object.entries(tags).flatMap(([name, values]) => [values].flat().map((value) => ({ name, value })))

export const messageTags: TagsByName = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: 'Message' }
export const processTags: TagsByName = {
  'Data-Protocol': 'ao',
  Variant: 'ao.TN.1',
  Type: 'Process',
  Module: idFrom('module'),
  Scheduler: idFrom('scheduler'),
}

export interface ItemParts {
  signer?: Signer
  tags?: TagsByName | Tag[]
  /** 43 characters. */
  target?: string
  anchor?: Buffer
  data?: Buffer | string
}

/** An item of exactly these tags. */
export const signedItem = ({ signer = alice, tags = {}, target, anchor, data = '' }: ItemParts): Promise<DataItem> =>
  signer.sign({
    tags: Array.isArray(tags) ? tags : tagList(tags),
    data: Buffer.from(data),
    ...(target !== undefined && { target: Buffer.from(target, 'base64url') }),
    ...(anchor && { anchor }),
  })

/** A message to A unless told otherwise; further tags stand behind the usual ones. */
export const signedMessage = ({ tags = {}, target = A, ...parts }: ItemParts & { tags?: TagsByName } = {}) =>
  signedItem({ ...parts, target, tags: { ...messageTags, ...tags } })

export const signedProcess = ({ tags = {}, ...parts }: ItemParts & { tags?: TagsByName } = {}) =>
  signedItem({ ...parts, tags: { ...processTags, ...tags } })

/** An item of signature type 3. */
export async function ethereumItem({ tags = {}, target, data = '' }: ItemParts): Promise<DataItem> {
  const signer = new EthereumSigner(wallets.ethereum)
  const item = createData(Buffer.from(data), signer, {
    tags: Array.isArray(tags) ? tags : tagList(tags),
    ...(target !== undefined && { target }),
  })
  await item.sign(signer)
  return parseDataItem(item.getRaw())
}
