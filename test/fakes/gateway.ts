/** An Arweave gateway in memory, with hooks for faults. */
import { idBytes, isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import type { Gateway, GatewayTransaction } from '../../core/ports/gateway.ts'
import { type Faults, faulty } from './faults.ts'

/** A transaction as the gateway holds it. */
export interface HeldTransaction extends GatewayTransaction {
  data: Buffer
  /** Absent: it is in no block yet. */
  confirmations?: number
}

export class FakeGateway implements Gateway {
  faults: Faults<'height' | 'confirmations' | 'transaction' | 'data' | 'exists'> = {}
  networkHeight = 1_800_000
  /** Transactions with more data are not assigned, bytes. */
  maxDataBytes = 100_000_000
  readonly #held = new Map<string, HeldTransaction>()

  /** Puts a transaction there. */
  hold(transaction: HeldTransaction): void {
    this.#held.set(transaction.id, transaction)
  }

  async height(): Promise<number> {
    return faulty(this.faults, 'height', [], () => this.networkHeight)
  }

  async confirmations(id: string): Promise<number | undefined> {
    idBytes(id)
    return faulty(this.faults, 'confirmations', [id], () => this.#held.get(id)?.confirmations)
  }

  async transaction(id: string): Promise<GatewayTransaction | undefined> {
    idBytes(id)
    return faulty(this.faults, 'transaction', [id], () => {
      const held = this.#held.get(id)
      return held && { id, tags: held.tags.map((tag) => ({ ...tag })), recipient: held.recipient, anchor: held.anchor }
    })
  }

  async data(id: string, sink: (chunk: Uint8Array) => void): Promise<number | undefined> {
    idBytes(id)
    return faulty(this.faults, 'data', [id], () => {
      const data = this.#held.get(id)?.data
      if (!data) return undefined
      if (data.length > this.maxDataBytes) throw new SchedulerError('message-too-large', 'Too much data')
      const middle = Math.floor(data.length / 2)
      sink(data.subarray(0, middle))
      sink(data.subarray(middle))
      return data.length
    })
  }

  async exists(id: string): Promise<boolean> {
    if (!isId(id)) return false
    return faulty(this.faults, 'exists', [id], () => this.#held.has(id))
  }
}
