/** One instance's view of a store over a bad network: slow, losing requests and answers, throttled, and cut off by a crash. */

import { SchedulerError } from '../../../core/errors.ts'
import type { Clock } from '../../../core/ports/clock.ts'
import type { CommitOutcome, LogStore } from '../../../core/ports/log-store.ts'
import type { SubmissionQueue } from '../../../core/ports/submission-queue.ts'

export interface Network {
  clock: Clock
  /** In [0, 1), seeded. */
  random: () => number
  /** Share of calls that something happens to. */
  faults: number
  /** Set when the instance has crashed: nothing it asks is answered any more, nothing it sends arrives. */
  crashed: boolean
}

export function unreliable(store: LogStore, network: Network): LogStore {
  const { clock, random } = network
  const never = new Promise<never>(() => undefined)
  const hop = async () => {
    await clock.sleep(random() < 0.05 ? 200 * random() : 10 * random())
    if (network.crashed) await never
  }
  const read =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await hop()
      if (random() < network.faults) throw new SchedulerError('unavailable', 'injected')
      const answer = await call(...args)
      await hop()
      return answer
    }
  const write =
    <T extends { token: string }, O extends { kind: string }>(call: (transaction: T) => Promise<O>) =>
    async (asked: T): Promise<O | Extract<CommitOutcome, { kind: 'busy' | 'unanswered' }>> => {
      // Tokens help for minutes and are not what the log rests on: some are forgotten.
      const transaction = random() < 0.5 ? asked : { ...asked, token: `${Math.floor(random() * 1e15)}` }
      await hop()
      const chance = random() / network.faults
      if (chance < 0.15) return { kind: 'busy' }
      if (chance < 0.25) {
        // The SDK's second attempt met its own first one, which goes on.
        void clock.sleep(50 * random()).then(() => call(transaction))
        return { kind: 'busy' }
      }
      if (chance < 0.5) return { kind: 'unanswered', cause: 'the request is lost' }
      if (chance < 0.75) {
        // On its way for long: it lands after the instance has asked again, or crashed.
        void clock.sleep(500 * random()).then(() => call(transaction))
        await clock.sleep(100 * random())
        return { kind: 'unanswered', cause: 'slow' }
      }
      const outcome = await call(transaction)
      await hop()
      if (chance < 1) return { kind: 'unanswered', cause: 'the answer is lost' }
      return outcome
    }
  return {
    limits: store.limits,
    cost: (link) => store.cost(link),
    head: read((process) => store.head(process)),
    records: read((process, from, to) => store.records(process, from, to)),
    timeKeys: read((process, nonces) => store.timeKeys(process, nonces)),
    find: read((id) => store.find(id)),
    findItem: read((process, item) => store.findItem(process, item)),
    setState: read((process, expected, state) => store.setState(process, expected, state)),
    commit: write((commit) => store.commit(commit)),
    spawn: write((spawn) => store.spawn(spawn)),
  } as LogStore
}

/** The same of a submission queue: what is asked of it may arrive and not be answered. */
export function unreliableSubmissionQueue(submissionQueue: SubmissionQueue, network: Network): SubmissionQueue {
  const { clock, random } = network
  const never = new Promise<never>(() => undefined)
  const hop = async () => {
    await clock.sleep(random() < 0.05 ? 200 * random() : 10 * random())
    if (network.crashed) await never
  }
  const call =
    <Args extends unknown[], T>(ask: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await hop()
      const lost = random() < network.faults
      if (lost && random() < 0.5) throw new SchedulerError('unavailable', 'injected')
      const answer = await ask(...args)
      await hop()
      if (lost) throw new SchedulerError('unavailable', 'injected')
      return answer
    }
  return {
    submit: call((process, submissions) => submissionQueue.submit(process, submissions)),
    names: call((process) => submissionQueue.names(process)),
    open: call((process, names) => submissionQueue.open(process, names)),
    withdraw: call((process, submissions) => submissionQueue.withdraw(process, submissions)),
    outcomes: call((process, submissions) => submissionQueue.outcomes(process, submissions)),
    news: call((process, submissions) => submissionQueue.news(process, submissions)),
  }
}
