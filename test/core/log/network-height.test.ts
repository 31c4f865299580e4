import { describe, expect, it } from 'vitest'
import { NetworkHeight, recordHeight } from '../../../core/log/network-height.ts'
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

  it('is unavailable where none was ever known', async () => {
    const { gateway, height } = setup()
    gateway.down = true
    await expect(height.current()).rejects.toMatchObject({ code: 'unavailable' })
    await height.refresh()
    expect(height.last).toBeUndefined()
  })
})
