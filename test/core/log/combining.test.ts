/** Instances that combine: what becomes of it when a part of it is bad, dead, late, or out of order. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import type { Entry } from '../../../core/log/entry.ts'
import { OwnNames } from '../../../core/log/lease.ts'
import type { Sequencer } from '../../../core/log/sequencer.ts'
import type { Commit, CommitOutcome, Link, LogStore } from '../../../core/ports/log-store.ts'
import type { Mailbox } from '../../../core/ports/mailbox.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { commitOf } from '../../suites/commits.ts'
import { audit } from './audit.ts'
import { createInstance, message, spawned } from './instance.ts'
import { Aws } from './simulation/aws.ts'
import { Environment, slowSigner } from './simulation/environment.ts'

const moved = { outcome: { kind: 'head-moved' } satisfies CommitOutcome }

async function setup() {
  const clock = new VirtualClock()
  const aws = new Aws(clock)
  const signer = createFakeSigner()
  const process = await spawned(
    createInstance(aws.store, aws.seenBy(new Environment(clock)).mailbox, clock, signer),
    9e15,
  )
  /** An instance that sees the store as it is, or through what is given. */
  const instance = (through: { store?: Partial<LogStore>; mailbox?: Partial<Mailbox> } = {}): Sequencer => {
    const environment = new Environment(clock)
    const { store, mailbox } = aws.seenBy(environment)
    const seen = [
      { ...store, ...through.store },
      { ...mailbox, ...through.mailbox },
    ] as const
    return createInstance(...seen, environment, slowSigner(signer, environment, 1.7))
  }
  const deadline = (ms = 10_000) => clock.now() + ms
  const schedule = (unit: Sequencer, entry: Entry = message(process), ms?: number) => unit.schedule(entry, deadline(ms))
  const places = async (entries: Promise<{ nonce: number }>[]) => (await Promise.all(entries)).map(({ nonce }) => nonce)
  /** Commits an entry for somebody who says that he goes on committing. */
  const commitAs = async (
    by: string,
    until: number,
    wait: number,
    entry = message(process),
    mark: Pick<Link, 'offer' | 'baton'> = {},
  ) => {
    const head = await aws.store.head(process)
    if (!head) throw new Error('no head')
    const { lease: _, ...from } = head
    const commit = await commitOf(signer, from, [entry], [mark])
    await aws.store.commit({ ...commit, to: { ...commit.to, lease: { by, until, wait } } })
    aws.written(commit)
  }
  /** Loses the next races, so that whoever tries gathers that there are many. */
  const loseRaces = (count: number) => {
    let races = 0
    aws.store.faults = { before: ({ name }) => (name === 'commit' && ++races <= count ? moved : undefined) }
  }
  const mailbox = aws.seenBy(new Environment(clock)).mailbox
  const offers = (entries: readonly Entry[], since = clock.now()) =>
    mailbox.offer(
      process,
      entries.map((entry) => ({ id: randomUUID(), entry, since, deadline: deadline() })),
    )
  return { clock, aws, signer, process, instance, deadline, schedule, places, commitAs, loseRaces, mailbox, offers }
}

describe('one bad entry', () => {
  it('is refused by itself, and its neighbours are tried twice at most', async () => {
    const { clock, aws, process, instance, schedule } = await setup()
    const old = Array.from({ length: 4 }, () => message(process))
    const twin = { hash: 'h', claimed: true }
    await clock.run(
      Promise.all([...old, message(process, { deepHash: twin })].map((entry) => schedule(instance(), entry))),
    )
    const tries = new Map<string, number>()
    aws.store.faults = {
      before({ name, args }) {
        if (name !== 'commit') return
        for (const { id } of (args[0] as Commit).links) tries.set(id, (tries.get(id) ?? 0) + 1)
      },
    }
    const good = Array.from({ length: 40 }, () => message(process))
    const bad = [...old, message(process, { deepHash: twin })]
    const mixed = good.flatMap((entry, i) => [entry, ...(i % 8 === 3 ? bad.slice(i >> 3, (i >> 3) + 1) : [])])
    const unit = instance()
    const results = await clock.run(Promise.allSettled(mixed.map((entry) => schedule(unit, entry))))
    for (const [i, entry] of mixed.entries()) {
      expect(results[i]?.status, `entry ${i}`).toBe(good.includes(entry) ? 'fulfilled' : 'rejected')
      if (good.includes(entry)) expect(tries.get(entry.id)).toBeLessThanOrEqual(2)
    }
    expect((await audit(aws.store, process)).faults).toEqual([])
  })

  it('that another instance offered fails nobody else, even if it cannot be committed at all', async () => {
    const { clock, process, instance, schedule, places, loseRaces, offers, aws } = await setup()
    const poison = message(process)
    await clock.run(offers([poison, message(process)]))
    loseRaces(3)
    const commit = aws.seenBy(new Environment(clock)).store.commit
    const unit = instance({
      store: {
        async commit(asked) {
          if (asked.links.some(({ id }) => id === poison.id)) throw new Error('a row that is too large')
          return commit(asked)
        },
      },
    })
    const mine = [
      schedule(unit),
      clock.sleep(60).then(() => schedule(unit)),
      clock.sleep(300).then(() => schedule(unit)),
    ]
    expect((await clock.run(places(mine))).length).toBe(3)
  })

  it('that was scheduled long ago, its name left behind, costs no commit', async () => {
    const { clock, process, instance, schedule, loseRaces, offers, aws, mailbox } = await setup()
    const old = Array.from({ length: 5 }, () => message(process))
    for (const entry of old) await clock.run(schedule(instance(), entry))
    await clock.run(offers(old, clock.now() - 1_000))
    const fresh = message(process)
    await clock.run(offers([fresh], clock.now() - 500))
    loseRaces(3)
    await clock.run(schedule(instance()))
    await clock.run(clock.sleep(2_000))
    expect((await aws.store.find(fresh.id)).length).toBe(1)
    expect(aws.capacity.totals.get('lost W') ?? 0).toBeLessThanOrEqual(3 * 14)
    expect(await clock.run(mailbox.names(process))).toEqual([])
  })
})

describe('who waits for a holder', () => {
  it('takes over when he is dead', async () => {
    const { clock, instance, schedule, commitAs } = await setup()
    await commitAs('dead', clock.now() + 400, 50)
    const begun = clock.now()
    await clock.run(schedule(instance()))
    expect(clock.now() - begun).toBeLessThan(1_000)
  })

  it('also when his clock was far ahead', async () => {
    const { clock, instance, schedule, commitAs } = await setup()
    await commitAs('dead', clock.now() + 3_600_000, 3_600_000)
    const begun = clock.now()
    await clock.run(schedule(instance(), undefined, 20_000))
    expect(clock.now() - begun).toBeLessThan(8_000)
  })

  it('tries by himself when the holder goes on and passes him by', async () => {
    const { clock, instance, schedule, commitAs } = await setup()
    await commitAs('deaf', clock.now() + 400, 50)
    let done = false
    const waiting = schedule(instance()).finally(() => {
      done = true
    })
    const deaf = async () => {
      while (!done) {
        await commitAs('deaf', clock.now() + 400, 50)
        await clock.sleep(40)
      }
    }
    const begun = clock.now()
    await clock.run(Promise.all([waiting, deaf()]))
    expect(clock.now() - begun).toBeLessThan(4_000)
  })

  it('hears of his success, of another one, and of what has his deep hash', async () => {
    const { clock, instance, schedule, commitAs, process, mailbox } = await setup()
    const until = () => clock.now() + 400
    await commitAs('holder', until(), 50)
    const deepHash = { hash: 'h', claimed: true }
    const [mine, others, twin] = [message(process), message(process), message(process, { deepHash })]
    const results = Promise.allSettled([mine, others, twin].map((entry) => schedule(instance(), entry)))
    const holder = async () => {
      await clock.sleep(30)
      const names = await mailbox.names(process)
      const opened = await mailbox.open(process, names)
      const offer = opened.find(({ entry }) => entry.id === mine.id)?.id
      await commitAs('holder', until(), 50, mine, offer === undefined ? {} : { offer })
      await commitAs('holder', until(), 50, others, { offer: randomUUID() })
      await commitAs('holder', until(), 50, message(process, { deepHash }))
    }
    await clock.run(holder())
    expect(await clock.run(results)).toMatchObject([
      { status: 'fulfilled', value: { nonce: 2 } },
      { reason: { code: 'already-scheduled', details: { place: { nonce: 3 } } } },
      { reason: { code: 'deep-hash-known', details: { place: { nonce: 4 } } } },
    ])
  })

  it('is told at his deadline that it may be scheduled yet, and takes his offer back', async () => {
    const { clock, instance, schedule, commitAs, process, mailbox } = await setup()
    await commitAs('holder', clock.now() + 400, 2_000)
    const unit = instance()
    await expect(clock.run(schedule(unit, undefined, 300))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('may have been scheduled'),
    })
    await clock.run(unit.idle())
    expect(await clock.run(mailbox.names(process))).toEqual([])
  })

  it('hears that the process was frozen, unless it was scheduled before', async () => {
    const { clock, instance, schedule, commitAs, process, aws } = await setup()
    await commitAs('holder', clock.now() + 400, 50)
    const entry = message(process)
    const results = Promise.allSettled([schedule(instance(), entry), schedule(instance())])
    const freeze = async () => {
      await clock.sleep(100)
      await commitAs('holder', clock.now() + 400, 50, entry, { offer: randomUUID() })
      // What is cheap to ask lags behind, and does not say so yet.
      aws.committedAt.set(`${process} message ${entry.id}`, Number.POSITIVE_INFINITY)
      await aws.store.setState(process, 'open', 'frozen')
    }
    await clock.run(Promise.all([results, freeze()]))
    expect(await results).toMatchObject([
      { reason: { code: 'already-scheduled', details: { place: { nonce: 2 } } } },
      { reason: { code: 'frozen' } },
    ])
  })
})

describe('a mailbox that', () => {
  const down = async () => {
    throw new SchedulerError('unavailable', 'down')
  }

  it.each([
    ['fails', down, 600],
    ['never answers', () => new Promise<never>(() => undefined), 2_500],
  ] as const)('%s leaves everybody to race', async (_, call, within) => {
    const { clock, instance, schedule, places, commitAs } = await setup()
    const mailbox = { offer: call, names: call, open: call, outcomes: call, news: call, withdraw: call }
    await commitAs('holder', clock.now() + 400, 50)
    const begun = clock.now()
    const units = Array.from({ length: 6 }, () => instance({ mailbox }))
    expect(await clock.run(places(units.map((unit) => schedule(unit))))).toHaveLength(6)
    expect(clock.now() - begun).toBeLessThan(within)
    // It is not tried again for every entry.
    const again = clock.now()
    await clock.run(places(units.map((unit) => schedule(unit))))
    expect(clock.now() - again).toBeLessThan(1_500)
  })

  it('fails while it is read has the holder give up, so that nobody counts on him', async () => {
    const { clock, instance, schedule, loseRaces, aws, process } = await setup()
    loseRaces(3)
    const unit = instance({ mailbox: { names: down } })
    const end = clock.now() + 2_500
    const writing = async () => {
      while (clock.now() < end) await schedule(unit)
    }
    // Never without entries of its own, it would go on holding.
    await clock.run(Promise.all(Array.from({ length: 40 }, writing)))
    expect((await aws.store.head(process))?.next).toBeGreaterThan(1_000)
    expect((await aws.store.head(process))?.lease?.until).toBe(0)
  })
})

describe('an instance that commits for others', () => {
  it('goes on after its own answer, and one of its requests stays for that', async () => {
    const { clock, process, instance, schedule, loseRaces, offers, aws } = await setup()
    loseRaces(3)
    const unit = instance()
    await clock.run(schedule(unit))
    const idle = unit.idle().then(() => clock.now())
    const begun = clock.now()
    // A second one need not stay.
    await clock.run(unit.idle())
    expect(clock.now()).toBe(begun)
    const entries = Array.from({ length: 5 }, () => message(process))
    await clock.run(offers(entries))
    await clock.run(idle)
    for (const { id } of entries) expect(await aws.store.find(id)).toHaveLength(1)
    expect((await idle) - begun).toBeLessThan(1_500)
  })

  it('has nothing to do afterwards, and no timer left; nor has one that does not', async () => {
    const { clock, instance, schedule, loseRaces } = await setup()
    const [quiet, holder] = [instance(), instance()]
    await clock.run(schedule(quiet))
    await clock.run(quiet.idle())
    expect(clock.sleeping).toBe(0)
    loseRaces(3)
    await clock.run(schedule(holder))
    await clock.run(holder.idle())
    expect(clock.sleeping).toBe(0)
  })

  it('is passed the baton beside its own place, and serves who waits at once', async () => {
    const { clock, process, instance, schedule, commitAs, mailbox, offers, aws } = await setup()
    await commitAs('holder', clock.now() + 400, 50)
    const mine = message(process)
    const unit = instance()
    const answer = schedule(unit, mine)
    const others = [message(process), message(process)]
    let passedAt = 0
    const holder = async () => {
      await clock.sleep(40)
      const [name] = await mailbox.names(process)
      if (!name) throw new Error('nobody offered')
      await offers(others)
      passedAt = clock.now()
      await commitAs(name.id, clock.now() + 400, 50, mine, { offer: name.id, baton: true })
    }
    await clock.run(Promise.all([answer, holder()]))
    await clock.run(unit.idle())
    for (const { id } of others) {
      expect(aws.committedAt.get(`${process} message ${id}`) ?? Number.POSITIVE_INFINITY).toBeLessThan(passedAt + 150)
    }
  })

  it('gives what a caller has given up no place', async () => {
    const { clock, process, instance, schedule, loseRaces, mailbox, aws } = await setup()
    const [late, good] = [message(process), message(process)]
    const since = clock.now() - 1_000
    await clock.run(
      mailbox.offer(process, [
        { id: randomUUID(), entry: late, since, deadline: clock.now() + 5 },
        { id: randomUUID(), entry: good, since, deadline: clock.now() + 9_000 },
      ]),
    )
    loseRaces(3)
    const unit = instance()
    await clock.run(schedule(unit))
    await clock.run(unit.idle())
    expect(await aws.store.find(late.id)).toEqual([])
    expect(await aws.store.find(good.id)).toHaveLength(1)
    expect(await clock.run(mailbox.names(process))).toEqual([])
  })
})

it('an instance forgets the names of its old offers', () => {
  const names = new OwnNames()
  for (let i = 0; i < 10_000; i++) names.add(`offer ${i}`, i + 100, i)
  expect(names.has('offer 9999')).toBe(true)
  expect(names.has('offer 9950')).toBe(true)
  expect(names.has('offer 9000')).toBe(false)
})
