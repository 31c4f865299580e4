import { describe, expect, it } from 'vitest'
import type { Commit, CommitOutcome } from '../../../core/ports/log-store.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { FakeSubmissionQueue } from '../../fakes/submission-queue.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { audit } from './audit.ts'
import { createInstance, message, randomId, spawned } from './instance.ts'

function setup() {
  const clock = new VirtualClock()
  const store = new FakeLogStore()
  const signer = createFakeSigner()
  const instance = () => createInstance(store, new FakeSubmissionQueue(store), clock, signer)
  const deadline = () => clock.now() + 10_000
  return { clock, store, signer, instance, deadline }
}

/** Runs `hook` on the first commit only. */
function onFirstCommit(store: FakeLogStore, when: 'before' | 'after', hook: (commit: Commit) => unknown) {
  let first = true
  store.faults = {
    [when]: ({ name, args }: { name: string; args: readonly unknown[] }) => {
      if (name !== 'commit' || !first) return undefined
      first = false
      return hook(args[0] as Commit)
    },
  }
}

describe('one instance', () => {
  it('gives places 1, 2, 3 … after the process itself, chained', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const places = []
    for (let i = 0; i < 5; i++) places.push(await clock.run(unit.schedule(message(process), deadline())))
    expect(places.map((place) => place.nonce)).toEqual([1, 2, 3, 4, 5])
    expect((await audit(store, process)).faults).toEqual([])
  })

  it('gives the first message nonce 0 where the process has no assignment', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline(), false)
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 0 })
    expect((await audit(store, process)).faults).toEqual([])
  })

  it('combines what waits into one commit, in order of arrival', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    let commits = 0
    store.faults = { before: ({ name }) => (name === 'commit' ? void commits++ : undefined) }
    const places = await clock.run(
      Promise.all(Array.from({ length: 40 }, () => unit.schedule(message(process), deadline()))),
    )
    expect(places.map((place) => place.nonce)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    expect(commits).toBeLessThanOrEqual(5)
    expect((await audit(store, process)).faults).toEqual([])
  })

  it('refuses an unknown process', async () => {
    const { clock, instance, deadline } = setup()
    await expect(clock.run(instance().schedule(message(randomId()), deadline()))).rejects.toMatchObject({
      code: 'not-found',
    })
  })

  it.each(['frozen', 'incomplete'] as const)(
    'schedules nothing in a process that is %s, also if it remembers it open',
    async (state) => {
      const { clock, store, instance, deadline } = setup()
      const unit = instance()
      const process = await spawned(unit, deadline())
      await store.setState(process, 'open', state)
      await expect(clock.run(unit.schedule(message(process), deadline()))).rejects.toMatchObject({ code: state })
      await expect(clock.run(instance().schedule(message(process), deadline()))).rejects.toMatchObject({ code: state })
      expect((await store.head(process))?.next).toBe(1)
      await store.setState(process, state, 'open')
      expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
    },
  )

  it('names the place of what is scheduled already, and schedules its neighbours', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const old = message(process)
    const place = await clock.run(unit.schedule(old, deadline()))
    const [before, again, after] = await clock.run(
      Promise.allSettled([message(process), old, message(process)].map((entry) => unit.schedule(entry, deadline()))),
    )
    expect(before).toMatchObject({ status: 'fulfilled' })
    expect(after).toMatchObject({ status: 'fulfilled' })
    expect(again).toMatchObject({ reason: { code: 'already-scheduled', details: { id: old.id, place } } })
    expect((await audit(store, process)).records).toHaveLength(4)
  })

  it('schedules one of two equal entries that arrive together', async () => {
    const { clock, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const entry = message(process)
    const results = await clock.run(
      Promise.allSettled([unit.schedule(entry, deadline()), unit.schedule(entry, deadline())]),
    )
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { nonce: 1 } },
      { status: 'rejected', reason: { code: 'already-scheduled', details: { place: { nonce: 1 } } } },
    ])
  })

  it('refuses another item with a claimed deep hash, and looks at the item itself before its deep hash', async () => {
    const { clock, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const deepHash = { hash: 'h', claimed: true }
    const first = message(process, { deepHash })
    await clock.run(unit.schedule(first, deadline()))
    await expect(clock.run(unit.schedule(message(process, { deepHash }), deadline()))).rejects.toMatchObject({
      code: 'deep-hash-known',
      details: { place: { nonce: 1 } },
    })
    await expect(clock.run(unit.schedule(first, deadline()))).rejects.toMatchObject({ code: 'already-scheduled' })
    const unclaimed = message(process, { deepHash: { hash: 'h', claimed: false } })
    expect(await clock.run(unit.schedule(unclaimed, deadline()))).toMatchObject({ nonce: 2 })
  })

  it('takes a posted message that was only assigned before, and the other way round', async () => {
    const { clock, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const posted = message(process)
    const { id } = posted
    await clock.run(unit.schedule({ process, kind: 'transaction', id, exclude: [] }, deadline()))
    await clock.run(unit.schedule(posted, deadline()))
    for (const again of [posted, { process, kind: 'transaction', id, exclude: [] } as const]) {
      await expect(clock.run(unit.schedule(again, deadline()))).rejects.toMatchObject({ code: 'already-scheduled' })
    }
  })

  it('spawning again changes nothing', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    await clock.run(unit.schedule(message(process), deadline()))
    const before = await audit(store, process)
    const item = { id: process, raw: Buffer.from('process') }
    await clock.run(
      instance().spawn({ id: process, item, assigned: true, settlementDepth: 20, blockHeight: 1 }, deadline()),
    )
    expect(await audit(store, process)).toEqual(before)
  })
})

describe('trouble', () => {
  it('a lost answer is asked for again with the same token, and nothing is signed again', async () => {
    const { clock, store, signer, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    onFirstCommit(store, 'after', () => {
      throw new Error('the answer is lost')
    })
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
    expect(signer.made).toBe(2)
    expect((await audit(store, process)).faults).toEqual([])
  })

  it('a lost request is repeated', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    onFirstCommit(store, 'before', () => {
      throw new Error('the request is lost')
    })
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
  })

  it('an own attempt that lands late, after other attempts, is success and not a refusal', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const entry = message(process)
    let lateLanding: (() => void) | undefined
    let commits = 0
    store.faults = {
      before({ name, args }): unknown {
        if (name !== 'commit') return undefined
        commits++
        // The first is on its way for long; the second finds the head moved (as the store tells wrongly), the third meets the first.
        if (commits === 1) return { unanswered: 'slow', lands: new Promise<void>((resolve) => (lateLanding = resolve)) }
        if (commits === 2) return { outcome: { kind: 'head-moved' } satisfies CommitOutcome }
        if (commits === 3) {
          lateLanding?.()
          return new Promise((resolve) => setImmediate(() => resolve(undefined)))
        }
        return args.length ? undefined : undefined
      },
    }
    expect(await clock.run(unit.schedule(entry, deadline()))).toMatchObject({ nonce: 1 })
    const { records, faults } = await audit(store, process)
    expect(faults).toEqual([])
    expect(records).toHaveLength(2)
  })

  it('another instance moved the head: retried from the head that came back', async () => {
    const { clock, store, instance, deadline } = setup()
    const [one, two] = [instance(), instance()]
    const process = await spawned(one, deadline())
    await clock.run(one.schedule(message(process), deadline()))
    await clock.run(two.schedule(message(process), deadline()))
    let reads = 0
    store.faults = { before: ({ name }) => (name === 'head' ? void reads++ : undefined) }
    expect(await clock.run(one.schedule(message(process), deadline()))).toMatchObject({ nonce: 3 })
    expect(reads).toBe(0)
  })

  it('lost races cost few signatures, and all get their places in their order', async () => {
    const { clock, store, signer, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    const sizes: number[] = []
    store.faults = {
      before({ name, args }): unknown {
        if (name !== 'commit') return undefined
        sizes.push((args[0] as Commit).links.length)
        const lost = sizes.length === 1 || sizes.length === 2
        return lost ? { outcome: { kind: 'head-moved' } satisfies CommitOutcome } : undefined
      },
    }
    const places = await clock.run(
      Promise.all(Array.from({ length: 40 }, () => unit.schedule(message(process), deadline()))),
    )
    // One race takes no more than a batch with it, however many wait.
    expect(Math.max(...sizes)).toBeLessThanOrEqual(9)
    expect(signer.made - 1 - 40).toBeLessThanOrEqual(20)
    expect(places.map((place) => place.nonce)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
  })

  it('TransactionConflict: the head is read, and while it has not moved the signatures are used again', async () => {
    const { clock, store, signer, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    onFirstCommit(store, 'before', () => ({ outcome: { kind: 'busy' } satisfies CommitOutcome }))
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
    expect(signer.made).toBe(2)
  })

  it('a store that never answers: 503 at the deadline, saying that it may be scheduled yet; what waits behind it is not', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    store.faults = { before: ({ name }) => (name === 'commit' ? new Promise(() => undefined) : undefined) }
    const start = clock.now()
    const results = clock.run(
      Promise.allSettled([
        unit.schedule(message(process), deadline()),
        clock.sleep(1).then(() => unit.schedule(message(process), start + 10_000)),
      ]),
    )
    expect(await results).toMatchObject([
      { reason: { code: 'unavailable', message: expect.stringContaining('may have been scheduled') } },
      { reason: { code: 'unavailable', message: expect.stringContaining('was not scheduled') } },
    ])
    expect(clock.now() - start).toBe(10_000)
  })

  it('a store whose reads fail: unavailable, and the next one works when it is back', async () => {
    const { clock, store, instance, deadline } = setup()
    const process = await spawned(instance(), deadline())
    const unit = instance()
    store.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    await expect(clock.run(unit.schedule(message(process), deadline()))).rejects.toMatchObject({ code: 'unavailable' })
    store.faults = {}
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
  })

  it('timestamps rise and heights do not fall when the clock and the network step back', async () => {
    const { store, signer } = setup()
    const clock = new VirtualClock(2_000_000_000_000)
    const back = new VirtualClock(1_000_000_000_000)
    const process = await spawned(
      createInstance(store, new FakeSubmissionQueue(store), clock, signer),
      clock.now() + 10_000,
    )
    for (const height of [1_234_570, 1_234_560, undefined, 1_234_571]) {
      const unit = createInstance(store, new FakeSubmissionQueue(store), back, signer, () => height)
      await back.run(unit.schedule(message(process), back.now() + 10_000))
    }
    const { faults, records } = await audit(store, process)
    expect(faults).toEqual([])
    expect(records.map(({ blockHeight }) => blockHeight)).toEqual([
      1_234_567, 1_234_570, 1_234_570, 1_234_570, 1_234_571,
    ])
  })

  it('a commit whose answer is lost and whose token is forgotten happens once, and is acknowledged', async () => {
    const { clock, store, instance, deadline } = setup()
    const unit = instance()
    const process = await spawned(unit, deadline())
    onFirstCommit(store, 'after', () => {
      store.forgetTokens()
      throw new Error('the answer is lost')
    })
    expect(await clock.run(unit.schedule(message(process), deadline()))).toMatchObject({ nonce: 1 })
    expect(await audit(store, process)).toMatchObject({ faults: [], records: { length: 2 } })
  })

  it('a spawn keeps its deadline, whatever the store does', async () => {
    const { clock, store, instance, deadline } = setup()
    store.faults = {
      async before({ name }) {
        if (name !== 'spawn') return
        await clock.sleep(7_800)
        throw new Error('timeout')
      },
    }
    const begun = clock.now()
    await expect(clock.run(spawned(instance(), deadline()))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('may have been spawned'),
    })
    expect(clock.now() - begun).toBe(deadline() - clock.now())
  })

  it('a spawn that met another transaction is tried again as another transaction', async () => {
    const { clock, store, instance, deadline } = setup()
    const tokens: string[] = []
    store.faults = {
      before({ name, args }): unknown {
        if (name !== 'spawn') return undefined
        return tokens.push((args[0] as { token: string }).token) === 1 ? { outcome: { kind: 'busy' } } : undefined
      },
    }
    await clock.run(spawned(instance(), deadline()))
    expect(new Set(tokens).size).toBe(2)
  })

  it('a spawn whose answer is lost happens once', async () => {
    const { clock, store, instance, deadline } = setup()
    let lost = false
    store.faults = {
      after({ name }) {
        if (name !== 'spawn' || lost) return
        lost = true
        throw new Error('the answer is lost')
      },
    }
    const process = await clock.run(spawned(instance(), deadline()))
    expect((await audit(store, process)).records).toHaveLength(1)
  })
})
