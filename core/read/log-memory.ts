/**
 * Records of the log as this instance rendered them lately: what is not packed yet, the tail, is what clients ask for again and again.
 * A record below a head never changes.
 */
import { LRUCache } from 'lru-cache'
import type { LogNode } from './log-node.ts'
import type { RenderOptions } from './render.ts'

export interface LogMemory {
  recall(process: string, nonce: number, options: RenderOptions): LogNode | undefined
  remember(node: LogNode, options: RenderOptions): void
}

/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 500

/** @param bytes that it holds at most */
export function createLogMemory(bytes = 16_000_000): LogMemory {
  const nodes = new LRUCache<string, LogNode>({
    maxSize: bytes,
    sizeCalculation: ({ node, record: { assignment, item } }) =>
      ENTRY_BYTES +
      (node?.length ?? 0) +
      (assignment?.length ?? 0) +
      (item !== undefined && 'raw' in item ? item.raw.length : 0),
  })
  const keyOf = (process: string, nonce: number, { showAnchor = false }: RenderOptions) =>
    `${process}/${nonce}/${showAnchor}`
  return {
    recall: (process, nonce, options) => nodes.get(keyOf(process, nonce, options)),
    remember: (node, options) => {
      nodes.set(keyOf(node.record.process, node.record.nonce, options), node)
    },
  }
}
