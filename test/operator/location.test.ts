/** The operator's commands about the Scheduler-Location: what they print, what they publish, and how they end. */
import { beforeEach, describe, expect, it } from 'vitest'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import { tagValue } from '../../core/ans104/tags.ts'
import { SchedulerError } from '../../core/errors.ts'
import type { UploadOutcome } from '../../core/ports/bundler.ts'
import type { SchedulerLocation } from '../../core/ports/location-source.ts'
import { run } from '../../operator/run.ts'
import { createFakeSigner } from '../fakes/signer.ts'
import { VirtualClock } from '../fakes/virtual-clock.ts'
import { closed } from './workplace.ts'

const DAY = 86_400_000
const OWN = 'https://su.example'
const signer = createFakeSigner()
const clock = new VirtualClock(100 * DAY)

let standing: SchedulerLocation | undefined
let outcome: UploadOutcome
let published: { id: string; url: string | undefined; ttl: string | undefined }[]
/** Ids of the items that the unit shows. */
let shown: string[]
let printed: string[]
let complaints: string[]
beforeEach(() => {
  standing = undefined
  outcome = { kind: 'taken' }
  published = []
  shown = []
})

const su = (...args: string[]) => {
  printed = []
  complaints = []
  return run(['location', ...args], {
    ...closed,
    location: async () => ({
      address: OWN,
      wallet: signer.address,
      source: { newest: async (owner) => (owner === signer.address ? standing : undefined) },
      bundler: () => ({
        async upload(id, raw) {
          const { tags } = parseDataItem(raw)
          published.push({ id, url: tagValue(tags, 'Url'), ttl: tagValue(tags, 'Time-To-Live') })
          return outcome
        },
      }),
      signer: () => signer,
      shown: { publish: async (raw) => void shown.push(parseDataItem(raw).id) },
    }),
    clock,
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  })
}
const stands = (more: Partial<SchedulerLocation> = {}) => {
  standing = { id: 'the-item', url: OWN, ttlMs: DAY, at: 99.8 * DAY, ...more }
}

describe('location show', () => {
  it('says what stands, and whether it is this stack', async () => {
    expect(await su('show')).toBe(1)
    expect(complaints).toEqual([`Nothing is published for the wallet ${signer.address}.`])
    stands({ url: `${OWN}/` })
    expect(await su('show')).toBe(0)
    expect(printed).toEqual([
      `${OWN}/  said by the-item`,
      '  published 1970-04-10T19:12:00.000Z, clients keep it for 86400000 ms; runs out 1970-04-11T19:12:00.000Z',
      '  which is this stack.',
    ])
    stands({ url: 'https://old.example', at: undefined, ttlMs: undefined })
    await su('show')
    expect(printed).toEqual([
      'https://old.example  said by the-item',
      '  it waits for its block, no time to live',
      `  which is not this stack: that is ${OWN}.`,
    ])
    await su('show', '--json')
    const expected = {
      wallet: signer.address,
      address: OWN,
      ours: false,
      published: { id: 'the-item', url: 'https://old.example' },
    }
    expect(JSON.parse(printed.join())).toEqual(expected)
  })
})

describe('location publish', () => {
  it('says it for the first time, and again', async () => {
    expect(await su('publish', '--url', `${OWN}/`)).toBe(0)
    expect(published).toMatchObject([{ url: OWN, ttl: '86400000' }])
    expect(printed[0]).toContain(`${OWN}  said by ${published[0]?.id}`)
    stands()
    expect(await su('publish', '--url', OWN, '--ttl', '5000', '--json')).toBe(0)
    expect(JSON.parse(printed.join())).toEqual({ id: published[1]?.id, url: OWN, ttlMs: 5000, renewed: true })
  })

  it('replaces another one only where that is confirmed', async () => {
    stands({ url: 'https://old.example' })
    expect(await su('publish', '--url', OWN)).toBe(1)
    expect(complaints).toEqual([
      'Another address stands: https://old.example, said by the-item. To replace it, say --yes.',
    ])
    expect(published).toEqual([])
    expect(await su('publish', '--url', OWN, '--yes')).toBe(0)
    expect(published).toHaveLength(1)
  })

  it('says where it was not taken', async () => {
    outcome = { kind: 'trouble', reason: 'status 402: no credit' }
    expect(await su('publish', '--url', OWN)).toBe(1)
    expect(complaints).toEqual(['The bundler did not take it: status 402: no credit'])
  })
})

describe('location renew', () => {
  it('says the same again when half of its time is over, and otherwise that nothing is to be done', async () => {
    stands()
    expect(await su('renew')).toBe(0)
    expect(printed).toEqual([`Nothing is to be done: ${OWN} stands, it runs out 1970-04-11T19:12:00.000Z.`])
    stands({ at: undefined })
    expect(await su('renew')).toBe(0)
    expect(printed).toEqual([`Nothing is to be done: ${OWN} stands, it waits for its block.`])
    await su('renew', '--json')
    expect(JSON.parse(printed.join())).toMatchObject({ renewed: false, published: { id: 'the-item' } })
    expect(published).toEqual([])
    stands({ at: 99.4 * DAY, ttlMs: DAY })
    expect(await su('renew')).toBe(0)
    expect(published).toMatchObject([{ url: OWN, ttl: '86400000' }])
  })

  it('renews neither nothing nor another stack’s', async () => {
    expect(await su('renew')).toBe(1)
    expect(complaints[0]).toContain(`location publish --url ${OWN}`)
    stands({ url: 'https://old.example', at: 0 })
    expect(await su('renew')).toBe(1)
    expect(complaints[0]).toContain('What stands is https://old.example')
    expect(published).toEqual([])
    expect(await su('renew', '--yes')).toBe(0)
    expect(published).toMatchObject([{ url: 'https://old.example' }])
  })
})

it('an outage is an outage, and a wrong call says how', async () => {
  const away = () => Promise.reject(new SchedulerError('unavailable', 'The gateway does not answer'))
  const exit = await run(['location', 'show'], { ...closed, location: away, complain: (line) => complaints.push(line) })
  expect([exit, complaints.at(-1)]).toEqual([1, 'The gateway does not answer'])
  const wrong: [string[], string][] = [
    [[], 'show, publish or renew'],
    [['show', 'x'], 'What is x'],
    [['show', '--yes'], 'takes no --yes'],
    [['publish'], '--url https://su.example'],
    [['publish', '--url', 'su.example'], '--url https://su.example'],
    [['publish', '--url', 'ftp://su.example'], '--url https://su.example'],
    [['publish', '--url', `${OWN}/path`], '--url https://su.example'],
    [['publish', '--url', OWN, '--ttl', '1d'], 'milliseconds'],
    [['publish', '--url', OWN, '--ttl', '0'], 'milliseconds'],
    [['renew', '--url', OWN], 'takes no --url'],
  ]
  for (const [args, complaint] of wrong) {
    expect([args, await su(...args)]).toEqual([args, 2])
    expect(complaints.join()).toContain(complaint)
  }
})
