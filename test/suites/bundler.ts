/** What every bundler and every cache does (core/ports/bundler.ts), whether fake or real. */
import { hash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Bundler, Cache } from '../../core/ports/bundler.ts'
import { randomId } from './gateway.ts'

/** How the service behind the port behaves. */
export type Mood = 'takes' | 'refuses' | 'asks for patience' | 'is down'

export interface BundlerWorld {
  bundler: Bundler
  setMood(mood: Mood): void
  /** The bytes of what arrived and was taken. */
  taken(): Buffer[]
  close(): Promise<void>
}

export interface CacheWorld {
  cache: Cache
  setMood(mood: 'takes' | 'is down'): void
  taken(): Buffer[]
  close(): Promise<void>
}

/** The id that a bundler of these tests names in its receipt: its items are no data items. */
export const receiptId = (raw: Buffer): string => hash('sha256', raw, 'base64url')

export function bundlerBehaviours(name: string, open: () => Promise<BundlerWorld>): void {
  describe(`${name}, as a bundler`, () => {
    let world: BundlerWorld
    beforeAll(async () => {
      world = await open()
    })
    beforeEach(() => world.setMood('takes'))
    afterAll(() => world.close())

    it('brings the bytes as they are', async () => {
      for (const raw of [randomBytes(1500), randomBytes(300_000)]) {
        expect(await world.bundler.upload(receiptId(raw), raw)).toEqual({ kind: 'taken' })
        expect(world.taken().at(-1)?.equals(raw)).toBe(true)
      }
    })

    it('tells what is about the item from its own trouble', async () => {
      const raw = randomBytes(100)
      const before = world.taken().length
      world.setMood('refuses')
      expect(await world.bundler.upload(receiptId(raw), raw)).toMatchObject({
        kind: 'refused',
        reason: expect.any(String),
      })
      world.setMood('is down')
      expect(await world.bundler.upload(receiptId(raw), raw)).toMatchObject({
        kind: 'trouble',
        reason: expect.any(String),
      })
      expect(world.taken()).toHaveLength(before)
      world.setMood('takes')
      expect(await world.bundler.upload(receiptId(raw), raw)).toEqual({ kind: 'taken' })
    })

    it('says when to come back', async () => {
      world.setMood('asks for patience')
      expect(await world.bundler.upload(randomId(), randomBytes(100))).toMatchObject({
        kind: 'trouble',
        retryAfterMs: 7000,
      })
    })
  })
}

export function cacheBehaviours(name: string, open: () => Promise<CacheWorld>): void {
  describe(`${name}, as a cache`, () => {
    let world: CacheWorld
    beforeAll(async () => {
      world = await open()
    })
    afterAll(() => world.close())

    it('says whether it took the bytes', async () => {
      const raw = randomBytes(1000)
      expect(await world.cache.offer(randomId(), raw)).toBe(true)
      expect(world.taken().at(-1)?.equals(raw)).toBe(true)
      world.setMood('is down')
      expect(await world.cache.offer(randomId(), raw)).toBe(false)
    })
  })
}
