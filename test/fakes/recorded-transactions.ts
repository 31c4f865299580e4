/** The transactions that the recorded scenarios assign, as a gateway holds them. */
import recorded from '../data/conformance/items.json' with { type: 'json' }
import type { HeldTransaction } from './gateway.ts'

const bytes = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64url')

export const recordedTransactions: readonly HeldTransaction[] = Object.values(recorded.txs).map(
  ({ id, data, tags, recipient, anchor, confirmations }) => ({
    id,
    data: Buffer.from(data),
    tags,
    recipient: bytes(recipient),
    anchor: bytes(anchor),
    ...(confirmations !== null && { confirmations }),
  }),
)
