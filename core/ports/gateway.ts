/** The Arweave gateway: what the unit asks of the network, and the rules of `contract`, "The gateway". */
import type { Tag } from '../ans104/tags.ts'

/** What an assigned transaction is made of, as far as its deep hash needs it. Data is not held, only hashed. */
export interface GatewayTransaction {
  id: string
  tags: Tag[]
  /** 32 bytes, or none. */
  recipient: Buffer
  /** Bytes of any length, or none. */
  anchor: Buffer
}

/**
 * A call fails with `unavailable` where the gateway does not answer. `unreadable` is final: the gateway has the transaction and its
 * answer is too large to read, or the gateway withholds it.
 */
export interface Gateway {
  /** Height of the network now. Fails with `unavailable`. */
  height(): Promise<number>
  /** How many confirmations a base-layer transaction has; undefined when the gateway does not have it (404, 202). */
  confirmations(id: string): Promise<number | undefined>
  /** Tags, recipient and anchor by GraphQL; undefined when no such transaction is known. Fails with `unreadable`. */
  transaction(id: string): Promise<GatewayTransaction | undefined>
  /**
   * Streams the transaction's data to `sink`, holding none of it; gives the number of bytes.
   * Undefined when it has none (404). Fails with `message-too-large` over the configured size, and with `unreadable`.
   */
  data(id: string, sink: (chunk: Uint8Array) => void): Promise<number | undefined>
  /** Whether any gateway of ARWEAVE_URL_LIST, asked in order, answers HEAD /{id} with 2xx (`On-Boot`). Fails with `unreadable`. */
  exists(id: string): Promise<boolean>
}
