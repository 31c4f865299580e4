/**
 * A short, bad time of a busy process, drawn from a seed: instances that crash, stall and are frozen at any step, of two versions,
 * a network that loses and delays, a submission queue that lags, loses rows or is out of order, clocks that differ, repeated items,
 * impatient callers, a head that is frozen in the middle. Then all is well again, and whoever comes must be served.
 */
import { SchedulerError } from '../../../../core/errors.ts'
import type { Entry } from '../../../../core/log/entry.ts'
import { Sequencer } from '../../../../core/log/sequencer.ts'
import { noMeter } from '../../../../core/ports/meter.ts'
import { createFakeSigner } from '../../../fakes/signer.ts'
import { mulberry32, VirtualClock } from '../../../fakes/virtual-clock.ts'
import { message, randomId, spawned } from '../instance.ts'
import { Aws } from './aws.ts'
import { Environment } from './environment.ts'
import type { Answer, History, Span } from './history.ts'
import { currentUnit, type Instance, Lambda } from './lambda.ts'
import { someFaults } from './network-faults.ts'
import { previousUnit } from './previous-version.ts'

/** How long the bad time is, ms. */
const BAD_MS = 1_500
/** Of the network when the process begins. */
const HEIGHT = 1_234_567
/** Getting to an instance, which may have to start first, and back. */
const ON_THE_WAY_MS = 60
/** How long a client waits for its answer, beyond what the instance may take, ms. */
const CLIENT_MS = 30_000

interface Profile {
  /** Requests at any time, and in bursts. */
  requests: number
  /** Writers who each send one message after the other. */
  writers: number
  concurrency: number
  /** Of the calls that something becomes. */
  faults: number
  /** Of the steps of an instance at which it stalls, or dies. */
  stalls: number
  crashes: number
  previous: number
  lags: boolean
  skew: number
  repeats: number
  hashes: number
  impatient: number
  /** How often the head is frozen and opened again. */
  freezes: number
  /** How many blocks the instances' knowledge of the network differs by. */
  heights: number
  queueDown: boolean
  limits: { rows: number; bytes: number }
  /** How far apart the rows of one transaction are seen, ms at most. */
  rowSkew: number
  /** Share of the deep hashes that do not name their items. */
  unnamed: number
}

function draw(random: () => number): Profile {
  const some = (chance: number, value: number) => (random() < chance ? value * random() : 0)
  return {
    ...(random() < 0.6
      ? { requests: 10 + Math.floor(random() * 40), writers: 0 }
      : { requests: 0, writers: 4 + Math.floor(random() * 10) }),
    concurrency: random() < 0.7 ? 1 : 1 + Math.floor(random() * 8),
    faults: some(0.5, 0.3),
    stalls: some(0.4, 0.02),
    crashes: some(0.4, 0.01),
    previous: random() < 0.25 ? random() : 0,
    lags: random() < 0.5,
    skew: random() < 0.2 ? 2_000 : 20,
    repeats: some(0.6, 0.4),
    hashes: some(0.5, 0.6),
    impatient: some(0.6, 0.6),
    freezes: random() < 0.2 ? 1 + Math.floor(random() * 3) : 0,
    heights: random() < 0.5 ? Math.floor(random() * 6) : 0,
    queueDown: random() < 0.1,
    limits: { rows: random() < 0.5 ? 20 : 99, bytes: 4_000_000 },
    rowSkew: some(0.8, 30),
    unnamed: some(0.3, 1),
  }
}

export async function chaos(seed: number): Promise<History> {
  const random = mulberry32(seed)
  const profile = draw(random)
  const clock = new VirtualClock(1_700_000_000_000, seed, { turns: 1 })
  const { limits, rowSkew, unnamed } = profile
  const aws = new Aws(clock, { limits, rowSkew, unnamed, lagsInQueue: profile.lags, latency: 2 + 8 * random() })
  const signer = createFakeSigner(`unit ${seed}`)
  const parts = { ...aws.seenBy(new Environment(clock)), clock, signer, meter: noMeter }
  const quiet = new Sequencer({ ...parts, height: () => HEIGHT, rememberedHeads: 1 })
  const process = await spawned(quiet, clock.now() + 10_000)
  const begin = clock.now()
  const isOver = () => clock.now() > begin + BAD_MS
  const queueDownFrom = begin + BAD_MS * random()
  const isQueueDown = () => profile.queueDown && !isOver() && clock.now() > queueDownFrom

  const lambda: Lambda = new Lambda({
    clock,
    signer,
    meter: noMeter,
    concurrency: profile.concurrency,
    coldStart: 50,
    connect(environment) {
      const seen = aws.seenBy(environment, someFaults(random, profile.faults, isOver))
      environment.onStep = () => {
        if (isOver()) return
        const chance = random()
        if (chance < profile.stalls) stall(environment)
        else if (chance > 1 - profile.crashes) crash(environment)
      }
      return { ...seen, submissionQueue: interrupted(seen.submissionQueue, isQueueDown) }
    },
    skew: () => Math.round((random() - 0.5) * profile.skew),
    height: () => heightFrom(random, profile.heights, clock),
    unit: (unitParts) => (random() < profile.previous ? previousUnit(unitParts) : currentUnit(unitParts)),
  })
  const stall = (environment: Environment) => {
    environment.stall()
    void clock.sleep(random() < 0.5 ? 50 * random() : 3_000 * random()).then(() => environment.resume())
  }
  const crash = (environment: Environment) => {
    const instance = lambda.instances.find((one) => one.environment === environment)
    if (instance) lambda.crash(instance)
  }

  const pool: Entry[] = []
  const newEntry = (): Entry => {
    const deepHash =
      random() < profile.hashes
        ? { deepHash: { hash: `hash ${Math.floor(random() * 5)}`, claimed: random() < 0.8 } }
        : {}
    if (random() < 0.2) return { process, kind: 'transaction', id: randomId(), exclude: [], ...deepHash }
    return message(process, deepHash)
  }
  const answers: Answer[] = []
  // The version before had no timer of its own.
  const isPrompt = profile.stalls === 0 && profile.previous === 0
  const request = async (isGood: boolean) => {
    const known = pool[Math.floor(random() * pool.length)]
    const entry = known && !isGood && random() < profile.repeats ? known : newEntry()
    pool.push(entry)
    const patience = isGood || random() >= profile.impatient ? 10_000 : 20 + 800 * random()
    const sent = clock.now()
    const answer: Answer = {
      entry,
      sent,
      isGood,
      ...(isPrompt && { due: sent + patience + ON_THE_WAY_MS }),
    }
    answers.push(answer)
    let instance: Instance | undefined
    const ended = (result: Partial<Answer>) => {
      if (!instance?.environment.crashed) Object.assign(answer, result, { answered: clock.now() })
    }
    await Promise.race([
      lambda
        .request(entry, {
          patience,
          onArrival: (one) => {
            instance = one
          },
        })
        .then(
          (place) => ended({ place }),
          (error: unknown) => ended(error instanceof SchedulerError ? { error } : { bug: error }),
        ),
      clock.sleep(CLIENT_MS),
    ])
    answer.isLost = answer.answered === undefined && (instance?.environment.crashed ?? false)
  }
  const frozen: Span[] = []
  const freeze = async () => {
    for (let left = profile.freezes; left > 0; left--) {
      await clock.sleep((BAD_MS / profile.freezes) * random())
      const span = { from: clock.now(), until: Number.POSITIVE_INFINITY }
      frozen.push(span)
      await aws.store.setState(process, 'open', 'frozen')
      await clock.sleep(300 * random())
      await aws.store.setState(process, 'frozen', 'open')
      span.until = clock.now()
    }
  }
  // Bursts make writers meet; what comes when all is well again finds what the bad time left behind.
  const bursts = Array.from({ length: 3 }, () => BAD_MS * random())
  const when = () => (random() < 0.5 ? BAD_MS * random() : (bursts[Math.floor(random() * 3)] ?? 0) + 50 * random())
  const requestAt = async (at: number, isGood: boolean) => {
    await clock.sleep(begin + at - clock.now())
    await request(isGood)
  }
  const write = async () => {
    while (!isOver()) await request(false)
  }
  await clock.run(
    Promise.all([
      ...Array.from({ length: profile.requests }, () => requestAt(when(), false)),
      ...Array.from({ length: profile.writers }, write),
      ...Array.from({ length: 8 }, (_, i) => requestAt(BAD_MS + 3_500 + 100 * Math.floor(i / 3), true)),
      freeze(),
    ]),
  )
  // What is still on its way lands, whoever was to come back has come back.
  await clock.run(clock.sleep(10_000))
  return { process, store: aws.store, committedAt: aws.committedAt, frozen, answers, pool }
}

/**
 * The network's height as one instance hears of it: a block every 200 ms, some blocks late, from a gateway that steps back now and then,
 * and not at all at first.
 */
function heightFrom(random: () => number, spread: number, clock: VirtualClock): () => number | undefined {
  if (spread === 0) return () => HEIGHT
  const [late, hears, started] = [Math.floor(random() * spread), 100 * random(), clock.now()]
  return () => {
    const time = clock.now() - started
    if (time < hears) return undefined
    const block = HEIGHT + Math.floor((clock.now() % 1_000_000) / 200) - late
    return Math.floor(time / 170) % 3 === 2 ? block - spread : block
  }
}

function interrupted<T extends object>(submissionQueue: T, isDown: () => boolean): T {
  return new Proxy(submissionQueue, {
    get(target, property) {
      const call: unknown = Reflect.get(target, property, target)
      if (typeof call !== 'function') return call
      return async (...args: unknown[]): Promise<unknown> => {
        if (isDown()) throw new SchedulerError('unavailable', 'the submission queue is out of order')
        return (await Reflect.apply(call, target, args)) as unknown
      }
    },
  })
}
