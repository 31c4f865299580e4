/** Instances that combine in a contended process: what becomes of it when a part is bad, dead, late, or out of order. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import type { Entry } from '../../../core/log/entry.ts'
import type { Sequencer } from '../../../core/log/sequencer.ts'
import type { Commit, CommitOutcome, Link, LogStore } from '../../../core/ports/log-store.ts'
import type { SubmissionQueue } from '../../../core/ports/submission-queue.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { commitOf } from '../../suites/commits.ts'
import { audit } from './audit.ts'
import { createInstance, message, spawned } from './instance.ts'
import { Aws, type AwsOptions } from './simulation/aws.ts'
import { Environment, slowSigner } from './simulation/environment.ts'
import { load } from './simulation/load.ts'

const moved = { outcome: { kind: 'head-moved' } satisfies CommitOutcome }

async function setup(options: AwsOptions = {}) {
  const clock = new VirtualClock()
  const aws = new Aws(clock, options)
  const signer = createFakeSigner()
  const process = await spawned(
    createInstance(aws.store, aws.seenBy(new Environment(clock)).submissionQueue, clock, signer),
    9e15,
  )
  /** An instance that sees the store as it is, or through what is given. */
  const instance = (
    through: { store?: Partial<LogStore>; submissionQueue?: Partial<SubmissionQueue> } = {},
  ): Sequencer => {
    const environment = new Environment(clock)
    const { store, submissionQueue } = aws.seenBy(environment)
    const seen = [
      { ...store, ...through.store },
      { ...submissionQueue, ...through.submissionQueue },
    ] as const
    return createInstance(...seen, environment, slowSigner(signer, environment, 1.7))
  }
  const deadline = (ms = 10_000) => clock.now() + ms
  const schedule = (unit: Sequencer, entry: Entry = message(process), ms?: number) => unit.schedule(entry, deadline(ms))
  const places = async (entries: Promise<{ nonce: number }>[]) => (await Promise.all(entries)).map(({ nonce }) => nonce)
  /** Commits an entry as a leader does. */
  const commitAs = async (
    by: string,
    until: number,
    wait: number,
    entry = message(process),
    mark: Pick<Link, 'submission' | 'successor'> = {},
  ) => {
    const head = await aws.store.head(process)
    if (!head) throw new Error('no head')
    const { lease: _, ...from } = head
    const commit = await commitOf(signer, from, [entry], [mark])
    await aws.store.commit({ ...commit, to: { ...commit.to, lease: { by, until, wait } } })
    aws.written(commit)
  }
  /** Loses the next commits, so that an instance takes the lease. */
  const loseCommits = (count: number) => {
    let races = 0
    aws.store.faults = { before: ({ name }) => (name === 'commit' && ++races <= count ? moved : undefined) }
  }
  const submissionQueue = aws.seenBy(new Environment(clock)).submissionQueue
  const submissions = (entries: readonly Entry[], since = clock.now()) =>
    submissionQueue.submit(
      process,
      entries.map((entry) => ({ id: randomUUID(), entry, since, deadline: deadline() })),
    )
  return {
    clock,
    aws,
    signer,
    process,
    instance,
    deadline,
    schedule,
    places,
    commitAs,
    loseCommits,
    submissionQueue,
    submissions,
  }
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

  it('that another instance submitted fails no other one, even if it cannot be committed at all', async () => {
    const { clock, process, instance, schedule, places, loseCommits, submissions, aws } = await setup()
    const poison = message(process)
    await clock.run(submissions([poison, message(process)]))
    loseCommits(3)
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
    const { clock, process, instance, schedule, loseCommits, submissions, aws, submissionQueue } = await setup()
    const old = Array.from({ length: 5 }, () => message(process))
    for (const entry of old) await clock.run(schedule(instance(), entry))
    await clock.run(submissions(old, clock.now() - 1_000))
    const fresh = message(process)
    await clock.run(submissions([fresh], clock.now() - 500))
    loseCommits(3)
    await clock.run(schedule(instance()))
    await clock.run(clock.sleep(2_000))
    expect((await aws.store.find(fresh.id)).length).toBe(1)
    expect(aws.capacity.totals.get('lost W') ?? 0).toBeLessThanOrEqual(3 * 14)
    expect(await clock.run(submissionQueue.names(process))).toEqual([])
  })
})

describe('a follower', () => {
  it('leads when the leader is dead', async () => {
    const { clock, instance, schedule, commitAs } = await setup()
    await commitAs('dead', clock.now() + 400, 50)
    const begun = clock.now()
    await clock.run(schedule(instance()))
    expect(clock.now() - begun).toBeLessThan(1_000)
  })

  it('leads also when the clock of the dead leader was far ahead', async () => {
    const { clock, instance, schedule, commitAs } = await setup()
    await commitAs('dead', clock.now() + 3_600_000, 3_600_000)
    const begun = clock.now()
    await clock.run(schedule(instance(), undefined, 20_000))
    expect(clock.now() - begun).toBeLessThan(8_000)
  })

  it('commits by itself when the leader passes it over', async () => {
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

  it('learns of its success, of another one, and of what has its deep hash', async () => {
    const { clock, instance, schedule, commitAs, process, submissionQueue } = await setup()
    const until = () => clock.now() + 400
    await commitAs('leader', until(), 50)
    const deepHash = { hash: 'h', claimed: true }
    const [mine, others, twin] = [message(process), message(process), message(process, { deepHash })]
    const results = Promise.allSettled([mine, others, twin].map((entry) => schedule(instance(), entry)))
    const leader = async () => {
      await clock.sleep(30)
      const names = await submissionQueue.names(process)
      const opened = await submissionQueue.open(process, names)
      const submission = opened.find(({ entry }) => entry.id === mine.id)?.id
      await commitAs('leader', until(), 50, mine, submission === undefined ? {} : { submission })
      await commitAs('leader', until(), 50, others, { submission: randomUUID() })
      await commitAs('leader', until(), 50, message(process, { deepHash }))
    }
    await clock.run(leader())
    expect(await clock.run(results)).toMatchObject([
      { status: 'fulfilled', value: { nonce: 2 } },
      { reason: { code: 'already-scheduled', details: { place: { nonce: 3 } } } },
      { reason: { code: 'deep-hash-known', details: { place: { nonce: 4 } } } },
    ])
  })

  it('answers at the deadline that the entry may be scheduled yet, and withdraws the submission', async () => {
    const { clock, instance, schedule, commitAs, process, submissionQueue } = await setup()
    await commitAs('leader', clock.now() + 400, 2_000)
    const unit = instance()
    await expect(clock.run(schedule(unit, undefined, 300))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('may have been scheduled'),
    })
    await clock.run(unit.idle())
    expect(await clock.run(submissionQueue.names(process))).toEqual([])
  })

  it('learns that the process was frozen, unless the entry was scheduled before', async () => {
    const { clock, instance, schedule, commitAs, process, aws } = await setup()
    await commitAs('leader', clock.now() + 400, 50)
    const entry = message(process)
    const results = Promise.allSettled([schedule(instance(), entry), schedule(instance())])
    const freeze = async () => {
      await clock.sleep(100)
      await commitAs('leader', clock.now() + 400, 50, entry, { submission: randomUUID() })
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

describe('a submission queue that', () => {
  const down = async () => {
    throw new SchedulerError('unavailable', 'down')
  }

  it.each([
    ['fails', down, 600],
    ['never answers', () => new Promise<never>(() => undefined), 2_500],
  ] as const)('%s leaves all to commit by themselves', async (_, call, within) => {
    const { clock, instance, schedule, places, commitAs } = await setup()
    const submissionQueue = { submit: call, names: call, open: call, outcomes: call, news: call, withdraw: call }
    await commitAs('leader', clock.now() + 400, 50)
    const begun = clock.now()
    const units = Array.from({ length: 6 }, () => instance({ submissionQueue }))
    expect(await clock.run(places(units.map((unit) => schedule(unit))))).toHaveLength(6)
    expect(clock.now() - begun).toBeLessThan(within)
    // It is not tried again for every entry.
    const again = clock.now()
    await clock.run(places(units.map((unit) => schedule(unit))))
    expect(clock.now() - again).toBeLessThan(1_500)
  })

  it('fails while it is read has the leader give up its lease', async () => {
    const { clock, instance, schedule, loseCommits, aws, process } = await setup()
    loseCommits(3)
    const unit = instance({ submissionQueue: { names: down } })
    const end = clock.now() + 2_500
    const writing = async () => {
      while (clock.now() < end) await schedule(unit)
    }
    // Never without entries of its own, it would go on leading.
    await clock.run(Promise.all(Array.from({ length: 40 }, writing)))
    expect((await aws.store.head(process))?.next).toBeGreaterThan(1_000)
    expect((await aws.store.head(process))?.lease?.until).toBe(0)
  })
})

describe('a leader', () => {
  it('goes on after its own answer, and one of its requests stays for that', async () => {
    const { clock, process, instance, schedule, loseCommits, submissions, aws } = await setup()
    loseCommits(3)
    const unit = instance()
    await clock.run(schedule(unit))
    const idle = unit.idle().then(() => clock.now())
    const begun = clock.now()
    // A second one need not stay.
    await clock.run(unit.idle())
    expect(clock.now()).toBe(begun)
    const entries = Array.from({ length: 5 }, () => message(process))
    await clock.run(submissions(entries))
    await clock.run(idle)
    for (const { id } of entries) expect(await aws.store.find(id)).toHaveLength(1)
    expect((await idle) - begun).toBeLessThan(1_500)
  })

  it('has nothing to do afterwards, and no timer left; nor has one that does not', async () => {
    const { clock, instance, schedule, loseCommits } = await setup()
    const [quiet, leader] = [instance(), instance()]
    await clock.run(schedule(quiet))
    await clock.run(quiet.idle())
    expect(clock.sleeping).toBe(0)
    loseCommits(3)
    await clock.run(schedule(leader))
    await clock.run(leader.idle())
    expect(clock.sleeping).toBe(0)
  })

  it('that was named successor serves the others at once', async () => {
    const { clock, process, instance, schedule, commitAs, submissionQueue, submissions, aws } = await setup()
    await commitAs('leader', clock.now() + 400, 50)
    const mine = message(process)
    const unit = instance()
    const answer = schedule(unit, mine)
    const others = [message(process), message(process)]
    let passedAt = 0
    const leader = async () => {
      await clock.sleep(40)
      const [name] = await submissionQueue.names(process)
      if (!name) throw new Error('nothing was submitted')
      await submissions(others)
      passedAt = clock.now()
      await commitAs(name.id, clock.now() + 400, 50, mine, { submission: name.id, successor: true })
    }
    await clock.run(Promise.all([answer, leader()]))
    await clock.run(unit.idle())
    for (const { id } of others) {
      expect(aws.committedAt.get(`${process} message ${id}`) ?? Number.POSITIVE_INFINITY).toBeLessThan(passedAt + 150)
    }
  })

  it('gives no place to an entry whose caller has gone', async () => {
    const { clock, process, instance, schedule, loseCommits, submissionQueue, aws } = await setup()
    const [late, good] = [message(process), message(process)]
    const since = clock.now() - 1_000
    await clock.run(
      submissionQueue.submit(process, [
        { id: randomUUID(), entry: late, since, deadline: clock.now() + 5 },
        { id: randomUUID(), entry: good, since, deadline: clock.now() + 9_000 },
      ]),
    )
    loseCommits(3)
    const unit = instance()
    await clock.run(schedule(unit))
    await clock.run(unit.idle())
    expect(await aws.store.find(late.id)).toEqual([])
    expect(await aws.store.find(good.id)).toHaveLength(1)
    expect(await clock.run(submissionQueue.names(process))).toEqual([])
  })
})

describe('where rows of one transaction are seen one after the other', () => {
  const deepHash = { hash: 'h', claimed: true }

  it.each([true, false])(
    'a follower is not refused for its own deep hash (the row names its item: %s)',
    async (isNamed) => {
      const { clock, aws, process, instance, schedule, commitAs, submissionQueue } = await setup({
        unnamed: isNamed ? 0 : 1,
      })
      await commitAs('leader', clock.now() + 400, 50)
      const mine = message(process, { deepHash })
      const answer = schedule(instance(), mine)
      const leader = async () => {
        await clock.sleep(30)
        const [name] = await submissionQueue.names(process)
        await commitAs('leader', clock.now() + 2_000, 50, mine, name && { submission: name.id })
        // Only the row of the deep hash is seen for a while.
        const key = `${process} message ${mine.id}`
        const at = clock.now()
        aws.committedAt.set(key, Number.POSITIVE_INFINITY)
        await clock.sleep(300)
        aws.committedAt.set(key, at)
      }
      await clock.run(Promise.all([answer, leader()]))
      expect(await answer).toMatchObject({ nonce: 2 })
    },
  )

  it('an unnamed deep hash of another item is refused by what its record says', async () => {
    const { clock, aws, process, instance, schedule } = await setup({ unnamed: 1 })
    await clock.run(schedule(instance(), message(process, { deepHash })))
    let records = 0
    aws.store.faults = { before: ({ name }) => (name === 'records' ? void records++ : undefined) }
    await expect(clock.run(schedule(instance(), message(process, { deepHash })))).rejects.toMatchObject({
      code: 'deep-hash-known',
      details: { place: { nonce: 1 } },
    })
    expect(records).toBe(1)
  })

  it('no request fails by mixed reasons, however many writers meet', { timeout: 60_000 }, async () => {
    const run = await load({ writers: [24], concurrency: 4, length: 3_000, warmUp: 0, aws: { rowSkew: 10 } })
    expect(run.mixed).toBeGreaterThan(0)
    expect(run.processes.flatMap(({ failures }) => failures)).toEqual([])
  })
})

it('a follower whose request timed out does not poll without a pause', async () => {
  const { clock, process, signer, aws, commitAs } = await setup()
  await commitAs('leader', clock.now() + 1_000, 2_000)
  const environment = new Environment(clock)
  let sleeps = 0
  environment.onStep = () => sleeps++
  const { store, submissionQueue } = aws.seenBy(environment)
  const unit = createInstance(store, submissionQueue, environment, signer)
  let isOver = false
  const leader = async () => {
    while (!isOver) {
      await clock.sleep(300)
      await commitAs('leader', clock.now() + 1_000, 2_000)
    }
  }
  const requests = [1_500, 6_000].map((ms) => unit.schedule(message(process), clock.now() + ms).catch(() => undefined))
  const waiting = Promise.all(requests).finally(() => {
    isOver = true
  })
  await clock.run(Promise.all([waiting, leader()]))
  expect(sleeps).toBeLessThan(150)
})
