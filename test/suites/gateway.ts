/** What every gateway does (core/ports/gateway.ts), whether fake or real. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Gateway } from '../../core/ports/gateway.ts'
import type { HeldTransaction } from '../fakes/gateway.ts'

export interface GatewayWorld {
  /** Takes transactions with at most 1000 bytes of data. */
  gateway: Gateway
  hold(transaction: HeldTransaction): void
  setHeight(height: number): void
  /** From now on nothing is answered as it should be. */
  setDown(down: boolean): void
  close(): Promise<void>
}

export const randomId = () => randomBytes(32).toString('base64url')

export const aTransaction = (fields: Partial<HeldTransaction> = {}): HeldTransaction => ({
  id: randomId(),
  tags: [{ name: 'Type', value: 'Message' }],
  recipient: Buffer.alloc(0),
  anchor: Buffer.alloc(0),
  data: Buffer.from('some data'),
  confirmations: 30,
  ...fields,
})

export function gatewayBehaviours(name: string, open: () => Promise<GatewayWorld>): void {
  describe(`${name}, as a gateway`, () => {
    let world: GatewayWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())

    const collect = async (id: string) => {
      const chunks: Uint8Array[] = []
      const length = await world.gateway.data(id, (chunk) => chunks.push(Buffer.from(chunk)))
      return { length, bytes: Buffer.concat(chunks) }
    }

    it('tells the height', async () => {
      world.setHeight(1_812_345)
      expect(await world.gateway.height()).toBe(1_812_345)
    })

    it('tells confirmations, none for what is in no block or nowhere', async () => {
      const settled = aTransaction({ confirmations: 7 })
      const fresh = aTransaction({ confirmations: 0 })
      const { confirmations: _, ...pending } = aTransaction()
      for (const transaction of [settled, fresh, pending]) world.hold(transaction)
      expect(await world.gateway.confirmations(settled.id)).toBe(7)
      expect(await world.gateway.confirmations(fresh.id)).toBe(0)
      expect(await world.gateway.confirmations(pending.id)).toBeUndefined()
      expect(await world.gateway.confirmations(randomId())).toBeUndefined()
    })

    it('tells tags in their order, recipient and anchor', async () => {
      const tags = [
        { name: 'b', value: '😀' },
        { name: 'a', value: '' },
        { name: 'b', value: 'twice' },
      ]
      const full = aTransaction({ tags, recipient: randomBytes(32), anchor: randomBytes(48) })
      const bare = aTransaction({ tags: [] })
      world.hold(full)
      world.hold(bare)
      const { data: _, confirmations: __, ...expected } = full
      expect(await world.gateway.transaction(full.id)).toEqual(expected)
      expect(await world.gateway.transaction(bare.id)).toEqual({
        id: bare.id,
        tags: [],
        recipient: Buffer.alloc(0),
        anchor: Buffer.alloc(0),
      })
      expect(await world.gateway.transaction(randomId())).toBeUndefined()
    })

    it('streams data, all of it', async () => {
      const transaction = aTransaction({ data: randomBytes(1000) })
      const empty = aTransaction({ data: Buffer.alloc(0) })
      world.hold(transaction)
      world.hold(empty)
      expect(await collect(transaction.id)).toEqual({ length: 1000, bytes: transaction.data })
      expect(await collect(empty.id)).toEqual({ length: 0, bytes: Buffer.alloc(0) })
      expect((await collect(randomId())).length).toBeUndefined()
    })

    it('refuses more data than it may read', async () => {
      const transaction = aTransaction({ data: randomBytes(1001) })
      world.hold(transaction)
      await expect(collect(transaction.id)).rejects.toMatchObject({ code: 'message-too-large' })
    })

    it('knows what is there and what is not', async () => {
      const transaction = aTransaction()
      world.hold(transaction)
      expect(await world.gateway.exists(transaction.id)).toBe(true)
      expect(await world.gateway.exists(randomId())).toBe(false)
    })

    it('never asks for what is no id', async () => {
      for (const text of ['', 'Data', '../info', `${randomId()}x`, `${'_'.repeat(43)}`, `"]){x}${randomId()}`]) {
        expect(await world.gateway.exists(text)).toBe(false)
        await expect(world.gateway.confirmations(text)).rejects.toMatchObject({ code: 'invalid-request' })
        await expect(world.gateway.transaction(text)).rejects.toMatchObject({ code: 'invalid-request' })
        await expect(collect(text)).rejects.toMatchObject({ code: 'invalid-request' })
      }
    })

    it('never takes an outage for "not there"', async () => {
      const transaction = aTransaction()
      world.hold(transaction)
      world.setDown(true)
      try {
        for (const id of [transaction.id, randomId()]) {
          const calls = [
            world.gateway.height(),
            world.gateway.confirmations(id),
            world.gateway.transaction(id),
            world.gateway.data(id, () => {}),
            world.gateway.exists(id),
          ]
          for (const result of await Promise.allSettled(calls)) {
            expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
          }
        }
      } finally {
        world.setDown(false)
      }
      expect(await world.gateway.exists(transaction.id)).toBe(true)
    })
  })
}
