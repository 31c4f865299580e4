/** What an operator has sent again: what was set aside, and processes since a time. */
import { beforeEach, describe, expect, it } from 'vitest'
import { relayProcess } from '../../../core/relay/relay.ts'
import { type Reupload, reupload } from '../../../core/relay/reupload.ts'
import { resend } from '../../../core/relay/set-aside.ts'
import { all, away, RelayWorld, refused } from './world.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const relay = (process: string) =>
  world.clock.run(relayProcess(world.deps, process, { deadline: world.clock.now() + 3_600_000 }))

describe('what was set aside', () => {
  let process: string
  let bad: string[]
  beforeEach(async () => {
    process = await world.spawn(5)
    await world.grow(process, 2, { body: 'blob' })
    bad = [1, 4, 6].map((nonce) => world.parts.get(`${process}/${nonce}/item`)?.id ?? '')
    bad.push(world.parts.get(`${process}/2/assignment`)?.id ?? '')
    world.bundler.decide = (id) => (bad.includes(id) ? refused : undefined)
    await relay(process)
    world.checkFinished()
  })

  const sendAgain = (which: ReadonlySet<string> | 'all') => world.clock.run(all(resend(world.deps, which)))
  const listed = async () => (await all(world.store.listSetAside())).map(({ id }) => id)

  it('is sent again, all of it, and is then set aside no longer', async () => {
    expect((await listed()).toSorted()).toEqual(bad.toSorted())
    world.heal()
    const sent = await sendAgain('all')
    expect(sent.map(({ outcome }) => outcome.kind)).toEqual(['taken', 'taken', 'taken', 'taken'])
    expect(await listed()).toEqual([])
    world.checkFinished()
  })

  it('is sent again by id', async () => {
    world.heal()
    const [first = ''] = bad
    expect((await sendAgain(new Set([first, 'unknown']))).map(({ item }) => item.id)).toEqual([first])
    expect((await listed()).toSorted()).toEqual(bad.slice(1).toSorted())
  })

  it('stays where it is refused again, with the new reason, or in trouble', async () => {
    const [again, troubled, ...taken] = bad
    world.bundler.decide = (id) =>
      id === again ? { ...refused, reason: 'status 422: never' } : id === troubled ? away : undefined
    const outcomes = new Map((await sendAgain('all')).map(({ item, outcome }) => [item.id, outcome]))
    expect(outcomes.get(again ?? '')).toEqual({ kind: 'set-aside', reason: 'status 422: never' })
    expect(outcomes.get(troubled ?? '')).toEqual(away)
    for (const id of taken) expect(outcomes.get(id)).toEqual({ kind: 'taken' })
    const left = new Map((await all(world.store.listSetAside())).map(({ id, reason }) => [id, reason]))
    expect(left).toEqual(
      new Map([
        [again, 'status 422: never'],
        [troubled, refused.reason],
      ]),
    )
  })

  it('stays where the log does not answer', async () => {
    world.heal()
    world.log.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    expect((await sendAgain('all')).every(({ outcome }) => outcome.kind === 'trouble')).toBe(true)
    expect(await listed()).toHaveLength(4)
  })
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
      ['set-aside', 'taken'],
      ['trouble', 'taken'],
    ])
    expect(world.store.isSetAside({ process, nonce: 1, part: 'item' })).toBe(true)
  })

  it('that is not there is an error', async () => {
    await expect(again('nobody', { since: 0, delayMs: 0 })).rejects.toMatchObject({ code: 'not-found' })
  })
})
