/** The one-off invocation of a unit around a migration that is a fake: databases, answers, and going on by itself. */
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { MigrationDeps } from '../../core/migration/deps.ts'
import type { migrate } from '../../core/migration/migrate.ts'
import type { MigrationAnswer, MigrationOrder, ProcessReport } from '../../core/migration/order.ts'
import type { MigrationSource } from '../../core/ports/migration-source.ts'
import { Secret } from '../../functions/config/secret.ts'
import { callOn } from '../../functions/mig/call-on.ts'
import { isBeyond, type MessagesCursor } from '../../functions/mig/cursor.ts'
import type { MessagesParts } from '../../functions/mig/messages.ts'
import { createMessagesHandler } from '../../functions/mig/messages-handler.ts'
import { createNames } from '../../functions/mig/named.ts'
import { createLogger } from '../../functions/telemetry/logger.ts'
import { databasesOf } from '../../network/tenants.ts'
import { send, startOutsideServer } from '../network/outside-server.ts'

const BASE = 'postgresql://u:hushhush@host'
const idOf = (n: number) => `${String(n).padStart(42, 'p')}A`

const report = (n: number, own: Partial<ProcessReport> = {}): ProcessReport => ({
  process: idOf(n),
  outcome: 'open',
  source: { messages: 1, nonces: 1, highest: 0 },
  here: { state: 'open', next: 1 },
  copied: 1,
  there: 0,
  faults: [],
  notices: [],
  ...own,
})
const done: MigrationAnswer = { done: true, outcomes: {}, processes: 0, copied: 0, there: 0, faults: 0, notices: 0 }

/** What was asked of the migration, call by call, and of which database. */
let asked: { address: string; order: MigrationOrder; deadline: number; batch: number }[]
let closed: number
let time: number
let log: string
beforeEach(() => {
  asked = []
  closed = 0
  time = 0
  log = ''
})

type Work = (...args: [...Parameters<typeof migrate>, address: string]) => Promise<MigrationAnswer> | MigrationAnswer

function handlerOf(work: Work, own: Partial<MessagesParts & { callOn: typeof callOn }> = {}) {
  const addresses = new Map<MigrationSource, [string, number]>()
  return createMessagesHandler({
    sources: { url: new Secret(`${BASE}/su`), base: undefined, databasesOf: async () => ['b', 'a', 'c'] },
    batchSize: 1_000,
    openSource(address, batch) {
      const source = { close: async () => void closed++ } as MigrationSource & { close(): Promise<void> }
      addresses.set(source, [address, batch])
      return source
    },
    openTarget: async () => ({}) as Omit<MigrationDeps, 'source'>,
    async migrate(deps, order, limits, watcher) {
      const [address = '', batch = 0] = addresses.get(deps.source) ?? []
      asked.push({ address, order, deadline: limits.deadline, batch })
      return await work(deps, order, limits, watcher, address)
    },
    clock: { now: () => time, sleep: async () => undefined, random: () => 0.5 },
    callOn: async () => {
      throw new Error('nobody is to be called')
    },
    log: createLogger({ level: 'trace' }, { service: 'mig' }, { write: (line) => (log += line) }),
    ...own,
  })
}
const context = { functionName: 'mig', getRemainingTimeInMillis: () => 900_000 }
const invoke = (event: object, work: Work, own?: Parameters<typeof handlerOf>[1]) =>
  handlerOf(work, own)({ messages: event }, context)

afterEach(() => {
  expect(closed).toBe(asked.length)
  expect(log).not.toContain('hush')
})

describe('where messages are', () => {
  it('is said by the event, else by the environment', async () => {
    await invoke({}, () => done)
    await invoke({ from: `${BASE}/other`, batchSize: 7 }, () => done)
    expect(asked.map(({ address, batch }) => [address, batch])).toEqual([
      [`${BASE}/su`, 1_000],
      [`${BASE}/other`, 7],
    ])
    const nothing = { sources: { url: undefined, base: new Secret(BASE), databasesOf: async () => [] } }
    await expect(invoke({}, () => done, nothing)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('set MIGRATION_SOURCE_URL'),
    })
    await invoke({ databases: ['x'], rows: '1-2' }, () => done, nothing)
    expect(asked.at(-1)?.address).toBe(`${BASE}/x`)
  })

  it('may be several databases, one after the other, summed up', async () => {
    const answer = await invoke({ tenantsOf: 'https://old.example' }, () => ({
      ...done,
      outcomes: { open: 2, waiting: 1 },
      processes: 3,
      copied: 5,
      there: 1,
      notices: 1,
    }))
    expect(asked.map(({ address }) => address)).toEqual(['a', 'b', 'c'].map((name) => `${BASE}/${name}`))
    expect(answer).toMatchObject({ done: true, outcomes: { open: 6, waiting: 3 }, processes: 9, copied: 15, there: 3 })
    await expect(invoke({ databases: ['a', 'b'], rows: '0-10' }, () => done)).rejects.toMatchObject({
      message: expect.stringContaining('Each database counts its own rows'),
    })
    await expect(invoke({ databases: ['a', 'a'] }, () => done)).rejects.toMatchObject({
      message: 'The database a is named twice.',
    })
  })

  it('goes on in the database in which it stopped, and there where it stopped', async () => {
    const at = { process: idOf(5), step: 'copy', nonce: 9 } as const
    const first = await invoke({ databases: ['a', 'b', 'c'] }, (_deps, _order, _limits, _watcher, address) =>
      address.endsWith('/b') ? { ...done, done: false, stopped: 'Time.', after: { process: idOf(4), at } } : done,
    )
    expect(first).toMatchObject({ done: false, stopped: 'Time.', after: { database: 'b', process: idOf(4), at } })
    asked = []
    closed = 0
    await invoke({ databases: ['a', 'b', 'c'], after: first.after }, () => done)
    expect(asked.map(({ address, order }) => [address.slice(-1), order.after])).toEqual([
      ['b', { process: idOf(4), at }],
      ['c', undefined],
    ])
    await expect(invoke({ databases: ['x'], after: first.after }, () => done)).rejects.toMatchObject({
      message: expect.stringContaining('It is to go on in b'),
    })
  })

  it('begins no further database when its time is over', async () => {
    const answer = await invoke({ databases: ['a', 'b'] }, () => {
      time = 870_000
      return done
    })
    expect(asked).toHaveLength(1)
    expect(asked[0]?.deadline).toBe(870_000)
    expect(answer).toMatchObject({ done: false, after: { database: 'b' }, stopped: expect.stringContaining('time') })
  })
})

describe('going on by itself', () => {
  const called: { name: string; event: unknown }[] = []
  const own = {
    callOn: async (name: string, event: string) => void called.push({ name, event: JSON.parse(event) }),
  }
  beforeEach(() => void called.splice(0))
  const stoppedAt = (process: string): MigrationAnswer => ({
    ...done,
    done: false,
    stopped: 'The time of this call is over.',
    after: { process },
  })

  it('calls itself with the same event and how far it came', async () => {
    const event = { from: `${BASE}/su`, ending: 'frozen', continue: true }
    const answer = await invoke(event, () => stoppedAt(idOf(3)), own)
    expect(answer).toMatchObject({ done: false, continued: true, after: { process: idOf(3) } })
    expect(called).toEqual([{ name: 'mig', event: { messages: { ...event, after: { process: idOf(3) }, calls: 1 } } }])
    await handlerOf(() => done, own)(called[0]?.event, context)
    expect(asked.at(-1)?.order.after).toEqual({ process: idOf(3) })
    expect(called).toHaveLength(1)
    expect(await invoke({}, () => stoppedAt(idOf(3)), own)).not.toHaveProperty('continued')
  })

  it('does not where it came no further, nor for ever, nor with what is too long; each is said', async () => {
    const after = { process: idOf(3) }
    expect(await invoke({ continue: true, after }, () => stoppedAt(idOf(3)), own)).toMatchObject({
      stopped: expect.stringContaining('It came no further than before'),
    })
    expect(await invoke({ continue: true, after, calls: 400 }, () => stoppedAt(idOf(4)), own)).toMatchObject({
      stopped: expect.stringContaining('It has called itself on 400 times'),
    })
    const processes = Array.from({ length: 6_000 }, (_, n) => idOf(n))
    await expect(invoke({ continue: true, processes }, () => done, own)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('too long'),
    })
    const failing = { callOn: () => Promise.reject(new Error(`away: ${BASE}`)) }
    expect(await invoke({ continue: true }, () => stoppedAt(idOf(4)), failing)).toMatchObject({
      stopped: expect.stringContaining('It could not call itself on.'),
      after: { process: idOf(4) },
    })
    expect(called).toEqual([])
  })

  it.each<[MessagesCursor | undefined, MessagesCursor, boolean]>([
    [undefined, {}, false],
    [undefined, { process: 'a' }, true],
    [{ process: 'a' }, { process: 'a' }, false],
    [{ process: 'b' }, { process: 'a' }, false],
    [{ process: 'Z' }, { process: 'a' }, true],
    [{ database: 'y', process: 'b' }, { database: 'x' }, true],
    [{ database: 'x', process: 'b' }, { database: 'y', process: 'c' }, false],
    [{ process: 'a' }, { process: 'a', at: { process: 'b', step: 'audit', nonce: 0 } }, true],
    [{ at: { process: 'b', step: 'audit', nonce: 9 } }, { at: { process: 'b', step: 'copy', nonce: 0 } }, true],
    [{ at: { process: 'b', step: 'copy', nonce: 9 } }, { at: { process: 'b', step: 'copy', nonce: 9 } }, false],
  ])('from %j to %j is on: %s', (before, now, beyond) => {
    expect(isBeyond(now, before, ['y', 'x'])).toBe(beyond)
  })

  it('is an asynchronous call of Lambda', async () => {
    const lambda = await startOutsideServer((_, response) => send(response, 202))
    onTestFinished(() => lambda.close())
    vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', lambda.url)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'key')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'key')
    onTestFinished(() => void vi.unstubAllEnvs())
    await callOn('the-function', '{"messages":{}}')
    expect(lambda.requests).toMatchObject([
      {
        method: 'POST',
        path: '/2015-03-31/functions/the-function/invocations',
        headers: { 'x-amz-invocation-type': 'Event' },
        body: Buffer.from('{"messages":{}}'),
      },
    ])
    lambda.answer = (_, response) => send(response, 403, { message: 'no' })
    await expect(callOn('the-function', '{}')).rejects.toThrow()
  })
})

describe('what is wrong', () => {
  const fault = { nonce: 3, kind: 'hash-chain', what: 'does not follow' } as const

  it('is in the answer and in the log, by process and nonce', async () => {
    const bad = report(1, { outcome: 'left-out', faults: [fault], notices: [{ nonce: 4, what: 'has no deep hash' }] })
    const answer = await invoke({ databases: ['a', 'b'] }, (_deps, _order, _limits, watcher, address) => {
      if (address.endsWith('/b')) watcher.onProcess(bad)
      watcher.onProcess(report(2))
      watcher.onProgress(1, 2)
      return { ...done, faults: 1 }
    })
    expect(answer.named).toEqual({
      faults: [{ process: idOf(1), ...fault }],
      notices: [{ process: idOf(1), nonce: 4, what: 'has no deep hash' }],
      leftOut: [idOf(1)],
    })
    expect(answer).not.toHaveProperty('unnamed')
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', database: 'b', process: idOf(1), ...fault }))
    expect(lines.filter(({ process }) => process === idOf(2))).toEqual([])
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'Messages were brought in.', faults: 2 })
  })

  it('is named as far as an answer has room, and the rest is counted', async () => {
    const names = createNames(10_000)
    for (let n = 0; n < 100; n++) names.add(report(n, { outcome: 'unsound', faults: [fault], notices: [fault] }))
    expect(JSON.stringify(names.named).length).toBeLessThan(10_200)
    const { faults, notices, leftOut } = names.named
    expect(names.unnamed).toEqual({
      faults: 100 - faults.length,
      notices: 100 - notices.length,
      leftOut: 100 - leftOut.length,
    })
    expect(faults.length).toBeGreaterThan(20)
  })

  it('fails the invocation where nothing can be done at all', async () => {
    const boom = new Error('a bug')
    await expect(invoke({}, () => Promise.reject(boom))).rejects.toBe(boom)
  })
})

describe('the databases of an allow-listed unit', () => {
  it('are those of its list', async () => {
    const list = {
      sus: {
        'https://old.example/': { dbs: [{ db_name: 'b', efs_name: 'x' }, { db_name: 'a' }, { db_name: 'b' }] },
        'https://other.example': { dbs: [{ db_name: 'c' }] },
        'https://empty.example': { dbs: [] },
      },
      processes: {},
    }
    const server = await startOutsideServer((_, response) => send(response, 200, list))
    onTestFinished(() => server.close())
    expect(await databasesOf('https://OLD.example', { url: server.url })).toEqual(['b', 'a'])
    for (const unit of ['https://empty.example', 'https://nobody.example']) {
      await expect(databasesOf(unit, { url: server.url })).rejects.toMatchObject({
        code: 'invalid-request',
        message: `The allow-list has no databases of ${unit}.`,
      })
    }
    server.answer = (_, response) => send(response, 500)
    await expect(databasesOf('https://old.example', { url: server.url, deadlineMs: 300 })).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})
