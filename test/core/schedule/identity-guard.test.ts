import { describe, expect, it } from 'vitest'
import { IdentityGuard } from '../../../core/schedule/identity-guard.ts'
import { FakeLogIdentity } from '../../fakes/log-identity.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { logIdentitySuite } from '../../suites/log-identity.ts'

logIdentitySuite('in memory', () => new FakeLogIdentity())

const wallet = (address: string) => ({ address, owner: Buffer.from(address) })

describe('identity guard', () => {
  it('begins a new log, and lets its own wallet go on', async () => {
    const store = new FakeLogIdentity()
    const clock = new VirtualClock()
    await Promise.all([
      new IdentityGuard(store, wallet('a'), clock).check(),
      new IdentityGuard(store, wallet('a'), clock).check(),
    ])
    const begun = { wallet: 'a', owner: Buffer.from('a'), tables: 'tables 1', generation: clock.now() }
    expect(store.identity).toEqual(begun)
    await new IdentityGuard(store, wallet('a'), clock).check()
  })

  it('refuses another wallet than the log was begun with', async () => {
    const store = new FakeLogIdentity()
    const clock = new VirtualClock()
    await new IdentityGuard(store, wallet('a'), clock).check()
    await expect(new IdentityGuard(store, wallet('b'), clock).check()).rejects.toMatchObject({ code: 'foreign-log' })
  })

  it('refuses tables that came back from a backup, also to an instance that was there before', async () => {
    const store = new FakeLogIdentity()
    const clock = new VirtualClock()
    const guard = new IdentityGuard(store, wallet('a'), clock)
    await guard.check()
    store.tables = 'tables 2'
    await expect(new IdentityGuard(store, wallet('a'), clock).check()).rejects.toMatchObject({ code: 'foreign-log' })
    await clock.run(clock.sleep(61_000))
    await expect(guard.check()).rejects.toMatchObject({ code: 'foreign-log' })
  })

  it('goes on for a while when it cannot ask again, and not without ever having asked', async () => {
    const store = new FakeLogIdentity()
    const clock = new VirtualClock()
    const guard = new IdentityGuard(store, wallet('a'), clock)
    store.down = true
    await expect(guard.check()).rejects.toMatchObject({ code: 'unavailable' })
    store.down = false
    await guard.check()
    store.down = true
    await clock.run(clock.sleep(120_000))
    const before = store.asked
    await guard.check()
    await guard.check()
    expect(store.asked).toBe(before + 1)
    await clock.run(clock.sleep(900_000))
    await expect(guard.check()).rejects.toMatchObject({ code: 'unavailable' })
    store.down = false
    await guard.check()
  })

  it('asks once a minute, however many requests there are', async () => {
    const store = new FakeLogIdentity()
    const guard = new IdentityGuard(store, wallet('a'), new VirtualClock())
    await Promise.all(Array.from({ length: 100 }, () => guard.check()))
    await guard.check()
    expect(store.asked).toBe(1)
  })
})

describe('the generation of a log', () => {
  const begun = { wallet: 'a', owner: Buffer.from('a'), tables: 'tables 1', generation: 5 }
  const setUp = () => {
    const store = new FakeLogIdentity()
    const clock = new VirtualClock()
    return { store, clock, guard: new IdentityGuard(store, wallet('a'), clock) }
  }

  it('is read once a minute, and follows a take-over', async () => {
    const { store, clock, guard } = setUp()
    store.identity = begun
    expect(await Promise.all([guard.generation(), guard.generation()])).toEqual([5, 5])
    expect(store.read).toBe(1)
    store.identity = { ...begun, generation: 6 }
    expect(await guard.generation()).toBe(5)
    await clock.run(clock.sleep(60_000))
    expect(await guard.generation()).toBe(6)
  })

  it('is unknown where no log was begun or none was read, and the last known one during an outage', async () => {
    const { store, clock, guard } = setUp()
    expect(await guard.generation()).toBeUndefined()
    store.identity = begun
    store.down = true
    expect(await guard.generation()).toBeUndefined()
    store.down = false
    expect(await guard.generation()).toBe(5)
    store.down = true
    await clock.run(clock.sleep(600_000))
    expect(await guard.generation()).toBe(5)
  })
})
