/** The recorded items and wallets (test/data/conformance), and small ways to spoil them. */
import { expect } from 'vitest'
import { type DataItem, parseDataItem } from '../../../core/ans104/data-item.ts'
import { createSigner } from '../../../core/ans104/signer.ts'
import { hasCode } from '../../../core/errors.ts'
import recorded from '../../data/conformance/items.json' with { type: 'json' }
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }

export { recorded, wallets }

type ItemName = keyof typeof recorded.items

/** Raw bytes of a recorded item, a fresh copy each time. */
export const recordedRaw = (name: ItemName): Buffer => Buffer.from(recorded.items[name].raw, 'base64url')

export const recordedItem = (name: ItemName): DataItem => parseDataItem(recordedRaw(name))

export const alice = createSigner(wallets.alice)

/** A copy with some bytes written over. */
export function overwritten(bytes: Buffer, position: number, patch: Buffer | number[]): Buffer {
  const copy = Buffer.from(bytes)
  copy.set(patch, position)
  return copy
}

/** What the parser makes of the bytes: an item, or undefined for a refusal. Anything else that is thrown comes through. */
export function parsedOrRefused(bytes: Buffer): DataItem | undefined {
  try {
    return parseDataItem(bytes)
  } catch (error) {
    if (hasCode(error, 'invalid-item')) return undefined
    throw error
  }
}

/** The error's code and message, for assertions about refusals. */
export const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'invalid-item', message: expect.stringMatching(message) })
