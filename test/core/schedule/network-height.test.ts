import { describe, expect, it } from 'vitest'
import { NetworkHeight, recordHeight } from '../../../core/schedule/network-height.ts'
import { FakeHeightStore } from '../../fakes/height-store.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { heightStoreSuite } from '../../suites/height-store.ts'

heightStoreSuite('in memory', () => new FakeHeightStore())

function setup() {
  const clock = new VirtualClock()
  const store = new FakeHeightStore()
  const gateway = {
    now: 1_000,
    down: false,
    asked: 0,
    async height() {
      gateway.asked++
      if (gateway.down) throw new Error('down')
      return gateway.now
    },
  }
  return { clock, store, gateway, height: new NetworkHeight(store, gateway, clock) }
}

describe('network height', () => {
  it('comes from the row that the scheduled function writes, without asking the gateway', async () => {
    const { clock, store, gateway, height } = setup()
    await recordHeight(store, gateway, clock)
    expect(await height.current()).toBe(1_000)
    expect(gateway.asked).toBe(1)
  })

  it('comes from the gateway where no row is written, or none is any more', async () => {
    const { clock, gateway, height } = setup()
    expect(await height.current()).toBe(1_000)
    gateway.now = 1_001
    await clock.run(clock.sleep(60_000))
    expect(await height.current()).toBe(1_000)
    await clock.run(clock.sleep(70_000))
    expect(await height.current()).toBe(1_001)
  })

  it('never falls, and stays the last known while row and gateway are away', async () => {
    const { clock, store, gateway, height } = setup()
    expect(await height.current()).toBe(1_000)
    gateway.now = 900
    await clock.run(clock.sleep(200_000))
    expect(await height.current()).toBe(1_000)
    gateway.down = true
    store.down = true
    await clock.run(clock.sleep(1_000_000))
    expect(await height.current()).toBe(1_000)
    expect(height.last).toBe(1_000)
  })

  it('rises only as fast as blocks can come, by whichever way it is asked', async () => {
    const { clock, store, gateway, height } = setup()
    await recordHeight(store, gateway, clock)
    for (const wrong of [1_000_000, 999_999_999_999, 1_037]) {
      gateway.now = wrong
      await clock.run(clock.sleep(60_000))
      await expect(recordHeight(store, gateway, clock)).rejects.toMatchObject({ code: 'unavailable' })
      expect(store.known?.height).toBe(1_000)
      gateway.now = 1_000
      await recordHeight(store, gateway, clock)
    }
    gateway.now = 1_000_000
    await clock.run(clock.sleep(130_000))
    expect(await height.current()).toBe(1_000)
    expect(store.known?.height).toBe(1_000)
    // Ten minutes have passed since it rose, most of which the gateway stood still.
    await clock.run(clock.sleep(290_000))
    gateway.now = 1_030 + 20
    expect(await recordHeight(store, gateway, clock)).toBe(1_050)
  })

  it('does not ask the gateway while the row, by which its answer is judged, cannot be read', async () => {
    const { clock, store, gateway, height } = setup()
    store.down = true
    await expect(height.current()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(recordHeight(store, gateway, clock)).rejects.toThrow('down')
    expect(gateway.asked).toBe(0)
  })

  it('begins again at any height where the row was deleted', async () => {
    const { clock, store, gateway } = setup()
    await recordHeight(store, gateway, clock)
    store.known = undefined
    gateway.now = 1_800_000
    expect(await recordHeight(store, gateway, clock)).toBe(1_800_000)
  })

  it('recovers from a clock that was ahead when it rose', async () => {
    const { clock, store, gateway } = setup()
    const ahead = new VirtualClock()
    await ahead.run(ahead.sleep(86_400_000))
    await recordHeight(store, gateway, ahead)
    gateway.now = 1_020
    expect(await recordHeight(store, gateway, clock)).toBe(1_020)
    expect(store.known?.since).toBe(clock.now())
  })

  it('is unavailable where none was ever known', async () => {
    const { gateway, height } = setup()
    gateway.down = true
    await expect(height.current()).rejects.toMatchObject({ code: 'unavailable' })
    await height.refresh()
    expect(height.last).toBeUndefined()
  })
})
