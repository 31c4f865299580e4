import { expect, it } from 'vitest'
import { Tally } from '../../../core/placement/tally.ts'

/** A tally whose store answers when it is told to. */
function world() {
  const asked: PromiseWithResolvers<ReadonlyMap<string, number>>[] = []
  const store = {
    counts() {
      const answer = Promise.withResolvers<ReadonlyMap<string, number>>()
      asked.push(answer)
      return answer.promise
    },
    deadAmong: async (units: readonly string[]) => new Set(units.filter((unit) => unit === 'dead')),
  }
  const tally = new Tally(store, ['a', 'dead'])
  const answer = (a: number) => asked.at(-1)?.resolve(new Map([['a', a]]))
  return { tally, asked, answer }
}

it('adds choices that are being written', async () => {
  const { tally, answer } = world()
  const written = Promise.withResolvers<string>()
  const writing = tally.during('a', () => written.promise)
  const reading = tally.read()
  answer(3)
  const { processes } = await reading
  expect([processes('a'), processes('b')]).toEqual([4, 0])
  written.resolve('done')
  expect(await writing).toBe('done')
  const after = tally.read()
  answer(4)
  expect((await after).processes('a')).toBe(4)
})

it('adds what was written while it was counted', async () => {
  const { tally, answer } = world()
  const written = Promise.withResolvers<void>()
  const writing = tally.during('b', () => written.promise)
  const reading = tally.read()
  written.resolve()
  await writing
  answer(3)
  const { processes } = await reading
  expect([processes('a'), processes('b')]).toEqual([3, 1])
})

it('counts once for all that ask at once, and anew for the next', async () => {
  const { tally, asked, answer } = world()
  const first = [tally.read(), tally.read()]
  answer(1)
  for (const { processes } of await Promise.all(first)) expect(processes('a')).toBe(1)
  const next = tally.read()
  answer(2)
  expect((await next).processes('a')).toBe(2)
  expect(asked).toHaveLength(2)
})

it('forgets what could not be written, and a count that failed', async () => {
  const { tally, asked, answer } = world()
  await expect(tally.during('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const failing = tally.read()
  asked[0]?.reject(new Error('away'))
  await expect(failing).rejects.toThrow('away')
  const next = tally.read()
  answer(2)
  expect((await next).processes('a')).toBe(2)
})

it('says which of the listed units are dead', async () => {
  const { tally, answer } = world()
  const reading = tally.read()
  answer(1)
  expect((await reading).dead).toEqual(new Set(['dead']))
})
