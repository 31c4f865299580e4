/** What an operator has sent again: owed parts, dead letters, and processes since a time. */
import { beforeEach, describe, expect, it } from 'vitest'
import { listOwed, resend, type Selection, skip } from '../../../core/relay/owed.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { type Reupload, reupload } from '../../../core/relay/reupload.ts'
import { all, away, RelayWorld, refused } from './world.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const relay = (process: string) =>
  world.clock.run(relayProcess(world.deps, process, { deadline: world.clock.now() + 3_600_000 }))

describe('owed parts and dead letters', () => {
  let process: string
  let letters: string[]
  let owed: string[]
  beforeEach(async () => {
    process = await world.spawn(5)
    await world.grow(process, 2, { body: 'blob' })
    letters = [1, 4, 6].map((nonce) => world.parts.get(`${process}/${nonce}/item`)?.id ?? '')
    owed = [world.parts.get(`${process}/2/assignment`)?.id ?? '']
    world.bundler.decide = (id) =>
      letters.includes(id) ? refused : owed.includes(id) ? { kind: 'trouble', reason: 'status 402' } : undefined
    await relay(process)
    world.checkWatermarks()
  })

  const sendAgain = (which: Selection) => world.clock.run(all(resend(world.deps, which)))
  const listed = async () => (await all(listOwed(world.store))).map(({ id }) => id)

  it('are listed with reason and next attempt, and are sent again, due or not', async () => {
    expect((await listed()).toSorted()).toEqual([...letters, ...owed].toSorted())
    expect((await listOwedOf(process)).find(({ id }) => owed.includes(id))).toMatchObject({
      reason: 'status 402',
      next: expect.any(Number),
    })
    world.heal()
    const sent = await sendAgain('all')
    expect(sent.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done', 'done', 'done'])
    expect(await listed()).toEqual([])
    world.checkFinished()
  })

  it('are sent again by id', async () => {
    world.heal()
    const [first = ''] = letters
    expect((await sendAgain(new Set([first, 'unknown']))).map(({ part }) => part.id)).toEqual([first])
    expect((await listed()).toSorted()).toEqual([...letters.slice(1), ...owed].toSorted())
  })

  it('are skipped by id', async () => {
    const [first = ''] = letters
    expect((await all(skip(world.store, new Set([first])))).map(({ id }) => id)).toEqual([first])
    expect(await listed()).not.toContain(first)
    expect(await listed()).toHaveLength(3)
  })

  it('stay where they fail again, with the new reason', async () => {
    const [again = '', troubled = '', ...taken] = letters
    world.bundler.decide = (id) =>
      id === again ? { ...refused, reason: 'status 422: never' } : id === troubled ? away : undefined
    const outcomes = new Map((await sendAgain('all')).map(({ part, outcome }) => [part.id, outcome]))
    expect(outcomes.get(again)).toEqual({ kind: 'failed', reason: 'status 422: never', refused: true })
    expect(outcomes.get(troubled)).toEqual({ kind: 'failed', reason: away.reason, refused: false })
    for (const id of [...taken, ...owed]) expect(outcomes.get(id)).toEqual({ kind: 'done' })
    const left = new Map((await all(listOwed(world.store))).map(({ id, reason, next }) => [id, { reason, next }]))
    expect(left).toEqual(
      new Map([
        [again, { reason: 'status 422: never', next: undefined }],
        [troubled, { reason: away.reason, next: undefined }],
      ]),
    )
  })

  it('stay where the log does not answer', async () => {
    world.heal()
    world.log.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    expect((await sendAgain('all')).every(({ outcome }) => outcome.kind === 'failed')).toBe(true)
    expect(await listed()).toHaveLength(4)
  })

  const listOwedOf = (of: string) => all(listOwed(world.store, of))
})

describe('a process', () => {
  const again = (process: string, plan: Reupload) => world.clock.run(all(reupload(world.deps, process, plan)))

  it('is uploaded again from a time on, watermark or not', async () => {
    const process = await world.spawn(150)
    await relay(process)
    for (const [since, first] of [
      [0, 0],
      [1_700_000_000_000 + 1000, 0],
      [1_700_000_000_000 + 1001, 1],
      [1_700_000_000_000 + 100_000, 99],
      [1_700_000_000_000 + 151_000, 150],
      [1_700_000_000_000 + 151_001, 151],
    ] as const) {
      world.bundler.attempts.length = 0
      const sent = await again(process, { since, delayMs: 0 })
      expect(sent.map(({ nonce }) => nonce)).toEqual(Array.from({ length: 151 - first }, (_, n) => first + n))
      expect(world.bundler.attempts.toSorted()).toEqual(
        world
          .idsOf(process)
          .slice(first * 2)
          .toSorted(),
      )
    }
  })

  it('is uploaded one record after the other where a delay is asked for', async () => {
    const process = await world.spawn(4, { assigned: false })
    const at: number[] = []
    world.bundler.decide = () => {
      at.push(world.clock.now())
      return undefined
    }
    const begun = world.clock.now()
    const sent = await again(process, { since: 0, delayMs: 250 })
    expect(sent.map(({ nonce, parts }) => [nonce, parts.length])).toEqual([
      [-1, 1],
      [0, 2],
      [1, 2],
      [2, 2],
      [3, 2],
    ])
    expect([...new Set(at.map((time) => time - begun))]).toEqual([0, 250, 500, 750, 1000])
  })

  it('says what became of each part', async () => {
    const process = await world.spawn(2)
    const ids = [1, 2].map((nonce) => world.parts.get(`${process}/${nonce}/item`)?.id)
    world.bundler.decide = (id) => (id === ids[0] ? refused : id === ids[1] ? away : undefined)
    const sent = await again(process, { since: 0, delayMs: 0 })
    expect(sent.map(({ parts }) => parts.map(({ outcome }) => outcome.kind))).toEqual([
      ['taken', 'taken'],
      ['dead-letter', 'taken'],
      ['trouble', 'taken'],
    ])
    expect(world.store.isOwed({ process, sink: 'upload', nonce: 1, part: 'item' })).toBe(true)
  })

  it('that is not there is an error', async () => {
    await expect(again('nobody', { since: 0, delayMs: 0 })).rejects.toMatchObject({ code: 'not-found' })
  })
})
