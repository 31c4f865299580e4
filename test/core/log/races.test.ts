/**
 * Many instances writing at once over a bad network, in virtual time: whatever the seed makes of it, the log is sound and
 * every answer is true.
 */
import { describe, expect, it } from 'vitest'
import { type Place, SchedulerError } from '../../../core/errors.ts'
import type { Entry } from '../../../core/log/entry.ts'
import { seeds } from '../../effort.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { FakeSubmissionQueue } from '../../fakes/submission-queue.ts'
import { mulberry32, VirtualClock } from '../../fakes/virtual-clock.ts'
import { audit } from './audit.ts'
import { createInstance, message, spawned } from './instance.ts'
import { type Network, unreliable, unreliableSubmissionQueue } from './unreliable-store.ts'

interface Answer {
  entry: Entry
  place?: Place
  error?: SchedulerError
}

async function simulate(seed: number) {
  const random = mulberry32(seed)
  const clock = new VirtualClock(1_700_000_000_000, seed, { turns: 1 })
  const store = new FakeLogStore({ rows: 20, bytes: 4_000_000 })
  const submissionQueue = new FakeSubmissionQueue(store)
  const signer = createFakeSigner(`unit ${seed}`)
  const process = await spawned(createInstance(store, submissionQueue, clock, signer), clock.now() + 10_000)

  const networks: Network[] = []
  const start = () => {
    const network = { clock, random, faults: random() * 0.4, crashed: false }
    networks.push(network)
    return {
      network,
      unit: createInstance(
        unreliable(store, network),
        unreliableSubmissionQueue(submissionQueue, network),
        clock,
        signer,
      ),
    }
  }
  const instances = Array.from({ length: 1 + Math.floor(random() * 5) }, start)
  const pool: Entry[] = []
  const answers: Answer[] = []

  const request = async () => {
    await clock.sleep(2_000 * random())
    const index = Math.floor(random() * instances.length)
    const instance = instances[index]
    if (!instance) return
    // Some repeat what another one sent, to the same instance or not; some share a deep hash with another.
    const known = pool[Math.floor(random() * pool.length)]
    const deepHash = random() < 0.3 ? { deepHash: { hash: `hash ${Math.floor(random() * 5)}`, claimed: true } } : {}
    const entry = known && random() < 0.2 ? known : message(process, deepHash)
    pool.push(entry)
    if (random() < 0.03) {
      // Killed: another one takes its place, with an empty memory. Its callers hear nothing any more.
      instance.network.crashed = true
      instances[index] = start()
    }
    const answer: Answer = { entry }
    await Promise.race([
      instance.unit.schedule(entry, clock.now() + 3_000).then(
        (place) => {
          answer.place = place
        },
        (error) => {
          answer.error = error
        },
      ),
      clock.sleep(60_000),
    ])
    if (!instance.network.crashed) answers.push(answer)
  }
  await clock.run(Promise.all(Array.from({ length: 30 }, request)))
  // What is still on its way lands.
  await clock.run(clock.sleep(60_000))
  return { store, process, answers, pool }
}

function faultsOf(answer: Answer, byId: Map<string, number>, ids: (string | undefined)[], pool: Entry[]): string[] {
  const { entry, place, error } = answer
  const alone = pool.filter((other) => other.id === entry.id).length === 1
  const nonce = byId.get(entry.id)
  if (place) return nonce === place.nonce ? [] : [`${entry.id} was acknowledged at ${place.nonce} and is at ${nonce}`]
  if (!(error instanceof SchedulerError)) return [`${entry.id} failed with ${error}`]
  const named = error.details.place
  switch (error.code) {
    case 'already-scheduled':
      // Who sent it alone must never hear that it is there already: that was its own attempt.
      return named && nonce === named.nonce && !alone ? [] : [`${entry.id} was refused without reason`]
    case 'deep-hash-known':
      return named && ids[named.nonce] !== undefined && ids[named.nonce] !== entry.id
        ? []
        : [`${entry.id} was refused for a deep hash without reason`]
    case 'unavailable':
      return nonce !== undefined && error.message.includes('was not scheduled')
        ? [`${entry.id} was scheduled after all`]
        : []
    default:
      return [`${entry.id} failed with ${error.code}`]
  }
}

const all = seeds(400, 100)

describe('many writers over a bad network', () => {
  it(`keep the log sound and answer truly, ${all.length} seeds`, async () => {
    let acknowledged = 0
    for (const seed of all) {
      const { store, process, answers, pool } = await simulate(seed)
      const { records, faults } = await audit(store, process)
      const ids = records.map((record) => record.id)
      const byId = new Map(ids.map((id, nonce) => [id, nonce]))
      const wrong = [...faults, ...answers.flatMap((answer) => faultsOf(answer, byId, ids, pool))]
      expect(wrong, `seed ${seed}`).toEqual([])
      acknowledged += answers.filter((answer) => answer.place).length
    }
    expect(acknowledged).toBeGreaterThan(all.length * 10)
  })

  it('runs the same way twice', async () => {
    const outcome = async () => {
      const { store, process, answers, pool } = await simulate(7)
      const { records } = await audit(store, process)
      const names = new Map(pool.map((entry, i) => [entry.id, i]))
      return {
        order: records.map((record) => names.get(record.id)),
        answers: answers.map(({ entry, place, error }) => [names.get(entry.id), place?.nonce, error?.code]),
      }
    }
    expect(await outcome()).toEqual(await outcome())
  })
})
