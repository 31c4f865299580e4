/** What an audit keeps of an item: little, whatever the item's size, so that many records can wait for their turn. */
import { type DataItem, parseDataItem } from '../ans104/data-item.ts'
import { settlementDepth } from '../schedule/rules.ts'

export interface ItemFacts {
  id: string
  /** Base64url; empty where it has none. */
  target: string
  settlementDepth: number
}

export const factsOf = (item: DataItem): ItemFacts => ({
  id: item.id,
  target: item.target.toString('base64url'),
  settlementDepth: settlementDepth(item),
})

/** Undefined where the bytes are no data item. */
export function readable(raw: Buffer): DataItem | undefined {
  try {
    return parseDataItem(raw)
  } catch {
    return undefined
  }
}
