/** What all access lists do (core/ports/lists.ts), whether fake or real. */
import { describe, expect, it } from 'vitest'
import type { AccessLists } from '../../core/ports/lists.ts'
import { randomId } from './gateway.ts'

/** What is configured, and what the lists say; `never read`: configured, and not to be had. */
export interface ListsContent {
  addresses?: string[] | 'never read'
  /** Processes of this unit and, where `unit` is `other`, of another one. */
  processes?: { id: string; unit: 'own' | 'other'; readOnly?: boolean }[] | 'never read'
}

export interface ListsWorld {
  lists: AccessLists
  close(): Promise<void>
}

export function listsBehaviours(name: string, open: (content: ListsContent) => Promise<ListsWorld>): void {
  describe(`${name}, as access lists`, () => {
    const within = async (content: ListsContent, run: (lists: AccessLists) => Promise<void>) => {
      const { lists, close } = await open(content)
      try {
        await run(lists)
      } finally {
        await close()
      }
    }

    it('allow everything where none is configured', () =>
      within({}, async (lists) => {
        expect(lists.restricted).toBe(false)
        expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
        expect(await lists.processAccess(randomId())).toEqual({ read: true, write: true })
      }))

    it('let in who is on the IP list, and nobody else', () =>
      within({ addresses: ['192.0.2.1', '2001:db8::1'] }, async (lists) => {
        expect(lists.restricted).toBe(false)
        expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
        expect(await lists.addressAllowed('2001:db8::1')).toBe(true)
        for (const address of ['192.0.2.2', '2001:db8::2', '', 'localhost', '192.0.2.1.evil.example']) {
          expect(await lists.addressAllowed(address)).toBe(false)
        }
      }))

    it('say what may be done with a process', async () => {
      const [open, frozen, elsewhere] = [randomId(), randomId(), randomId()]
      const processes: ListsContent['processes'] = [
        { id: open, unit: 'own' },
        { id: frozen, unit: 'own', readOnly: true },
        { id: elsewhere, unit: 'other' },
      ]
      await within({ processes }, async (lists) => {
        expect(lists.restricted).toBe(true)
        expect(await lists.processAccess(open)).toEqual({ read: true, write: true })
        expect(await lists.processAccess(frozen)).toEqual({ read: true, write: false })
        for (const process of [elsewhere, randomId(), '__proto__', 'constructor']) {
          expect(await lists.processAccess(process)).toEqual({ read: false, write: false })
        }
      })
    })

    it('refuse everything while a configured list was never read', () =>
      within({ addresses: 'never read', processes: 'never read' }, async (lists) => {
        expect(lists.restricted).toBe(true)
        const refusal = { code: 'unavailable', details: { retryAfter: expect.any(Number) } }
        await expect(lists.addressAllowed('192.0.2.1')).rejects.toMatchObject(refusal)
        await expect(lists.processAccess(randomId())).rejects.toMatchObject(refusal)
      }))
  })
}
