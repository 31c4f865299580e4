/** What reads the histories of the chaos runs finds each kind of fault: a true history is taken, and one thing in it is made false. */
import { beforeAll, describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import { message } from './instance.ts'
import { chaos } from './simulation/chaos.ts'
import { type Answer, faultsOf, type History } from './simulation/history.ts'

let history: History
/** Acknowledged one after the other: the first one's answer came before the second one was sent. */
let first: Answer
let second: Answer
beforeAll(async () => {
  history = await chaos(1)
  const told = history.answers.filter(({ place }) => place)
  first = told.toSorted((a, b) => (a.answered ?? 0) - (b.answered ?? 0))[0] ?? never()
  second = told.find(({ sent }) => sent > (first.answered ?? 0)) ?? never()
})

function never(): never {
  throw new Error('the history has no such answers')
}

/** The faults of the history with this answer in the place of that one. */
const faultsWith = (that: Answer, answer: Partial<Answer>, more: Partial<History> = {}) =>
  faultsOf({
    ...history,
    ...more,
    answers: history.answers.map((one) => (one === that ? { ...that, ...answer } : one)),
  })

const refused = (code: 'frozen' | 'already-scheduled' | 'deep-hash-known', place = first.place): Partial<Answer> => ({
  place: undefined as never,
  error: new SchedulerError(code, 'planted', place && { place }),
})

describe('a history', () => {
  it('that is true has no fault', async () => {
    expect(await faultsOf(history)).toEqual([])
  })

  it.each<[string, () => Promise<string[]>, string]>([
    ['an answer before its commit', () => faultsWith(first, { answered: first.sent }), 'before it was there'],
    [
      'nonces against real time',
      () => faultsWith(second, { sent: Number.MAX_SAFE_INTEGER, answered: Number.MAX_SAFE_INTEGER }),
      'had been told',
    ],
    [
      'an item acknowledged twice',
      () => faultsOf({ ...history, answers: [...history.answers, first] }),
      'acknowledged twice',
    ],
    ['another place', () => faultsWith(first, { place: second.place ?? never() }), 'acknowledged at'],
    ['an item that is not there', () => faultsWith(first, { entry: message(history.process) }), 'and is at undefined'],
    ['a frozen head that was open', () => faultsWith(first, refused('frozen'), { frozen: [] }), 'open all the time'],
    [
      'a head frozen at another time',
      () => faultsWith(first, refused('frozen'), { frozen: [{ from: 0, until: first.sent - 1 }] }),
      'open all the time',
    ],
    [
      'what was sent once said to be scheduled',
      () => faultsWith(first, refused('already-scheduled')),
      'without reason',
    ],
    [
      'what is scheduled later said to be scheduled',
      () =>
        faultsWith(
          first,
          { ...refused('already-scheduled'), answered: first.sent },
          { pool: [...history.pool, first.entry] },
        ),
      'before it was',
    ],
    ['a deep hash that nothing has', () => faultsWith(first, refused('deep-hash-known')), 'for a deep hash without'],
    ['silence', () => faultsWith(first, { place: undefined as never }), 'never answered'],
  ])('with %s is found out', async (_, faults, sentence) => {
    expect(await faults()).toContainEqual(expect.stringContaining(sentence))
  })
})
