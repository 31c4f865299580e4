/** What every unit's side of its placements does (core/ports/own-placement.ts), whoever it asks. */
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { OwnPlacement } from '../../core/ports/own-placement.ts'

export interface OwnPlacementWorld {
  placement: OwnPlacement
  /** The unit's address, and another unit's. */
  ownUrl: string
  otherUrl: string
  place(process: string, url: string): Promise<void>
  setDown(down: boolean): void
  close(): Promise<void>
}

export function ownPlacementBehaviours(name: string, open: () => Promise<OwnPlacementWorld>): void {
  describe(`${name}, as a unit's word on its processes`, () => {
    let close = async () => {}
    afterEach(() => close())
    const world = async () => {
      const opened = await open()
      close = opened.close
      return { ...opened, process: randomBytes(32).toString('base64url') }
    }

    it('takes what is placed on the unit, again and again', async () => {
      const { placement, process, ownUrl, place } = await world()
      await place(process, ownUrl)
      await placement.claim(process)
      await placement.claim(process)
      await Promise.all([placement.claim(process), placement.claim(process)])
    })

    it('takes nothing that is placed on another unit', async () => {
      const { placement, process, otherUrl, place } = await world()
      await place(process, otherUrl)
      await expect(placement.claim(process)).rejects.toMatchObject({ code: 'invalid-message' })
    })

    it('takes nothing that is placed nowhere', async () => {
      const { placement, process } = await world()
      await expect(placement.claim(process)).rejects.toMatchObject({ code: 'invalid-message' })
    })

    it('takes nothing without an answer, and says that it had none', async () => {
      const { placement, process, ownUrl, place, setDown } = await world()
      await place(process, ownUrl)
      setDown(true)
      await expect(placement.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
      setDown(false)
      await placement.claim(process)
    })

    it('says that it refuses, and never fails at that', async () => {
      const { placement, process, ownUrl, place, setDown } = await world()
      await placement.refuse(process)
      await place(process, ownUrl)
      setDown(true)
      await placement.refuse(process)
      setDown(false)
      await placement.refuse(process)
      await placement.refuse(process)
      // It may think better of it.
      await placement.claim(process)
    })

    it('lets a unit that is not dead go on', async () => {
      const { placement } = await world()
      await placement.check()
      await placement.check()
    })
  })
}
