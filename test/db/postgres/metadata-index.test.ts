/** The index of metadata in a real Postgres: the ports' behaviours, and what is Postgres's own. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RecordMetadata } from '../../../core/ports/metadata-index.ts'
import { createDatabase } from '../../../db/postgres/client.ts'
import { createMetadataIndex } from '../../../db/postgres/metadata-index.ts'
import { createTimeIndex } from '../../../db/postgres/time-index.ts'
import { metadataBehaviours, metadataOf, oddTags, randomId } from '../../suites/metadata-index.ts'
import { startDatabase, type TestDatabase } from './world.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
}, 60_000)
afterAll(() => database.stop())

const indexOn = (proxyUrl: string, timeoutMs?: number) =>
  createMetadataIndex(
    createDatabase({ url: database.url, proxyUrl, connections: 4, ...(timeoutMs !== undefined && { timeoutMs }) }),
  )

/** A gate before the proxy that a test can close, slow down or have answer by itself. */
async function openGate() {
  let answer: 'passes' | 'is closed' | 'says nothing' | number = 'passes'
  let failures = 0
  let underWay = 0
  let most = 0
  let asked = 0
  const server = createServer((request, response) => {
    const relay = async (): Promise<void> => {
      asked++
      underWay++
      most = Math.max(most, underWay)
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      if (failures > 0) {
        failures--
        const error = { message: 'Control plane request failed', code: 'XX000' }
        response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(error))
      } else if (answer === 'is closed') response.destroy()
      else if (typeof answer === 'number') response.writeHead(answer).end('upstream trouble')
      else if (answer === 'passes') {
        const passed = await fetch(`${database.proxyUrl}${request.url}`, {
          method: 'POST',
          headers: { 'neon-connection-string': String(request.headers['neon-connection-string']) },
          body: Buffer.concat(chunks),
        })
        response.writeHead(passed.status, { 'content-type': 'application/json' }).end(await passed.text())
      }
      underWay--
    }
    relay().catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    set: (how: typeof answer) => {
      answer = how
    },
    /** The next statements fail as they do where Neon's proxy is in trouble itself. */
    failNext: (count: number) => {
      failures = count
    },
    most: () => most,
    asked: () => asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

for (const outage of ['is closed', 'says nothing', 502] as const) {
  metadataBehaviours(`Postgres whose proxy ${outage === 502 ? 'answers 502' : outage}`, async () => {
    const gate = await openGate()
    return {
      index: indexOn(gate.url, 3000),
      times: createTimeIndex({ url: database.url, proxyUrl: gate.url, timeoutMs: 1000, restMs: 0 }),
      nonces: async (process) =>
        (await database.rows('select nonce from messages where process = $1 order by nonce', [process])).map(
          ({ nonce }) => Number(nonce),
        ),
      goAway: async () => gate.set(outage),
      comeBack: async () => gate.set('passes'),
      close: gate.close,
    }
  })
}

describe('rows', () => {
  it('say what the record says', async () => {
    const process = randomId()
    const [spawn, message] = [
      metadataOf(process, 0, { tags: [{ name: 'Type', value: 'Process' }] }),
      metadataOf(process, 1, {
        tags: [
          { name: 'Action', value: 'Transfer' },
          { name: 'Note', value: 'first' },
          { name: 'Note', value: 'second' },
        ],
      }),
    ]
    await indexOn(database.proxyUrl).index([spawn, message])
    expect(await database.rows('select * from processes where id = $1', [process])).toEqual([
      {
        id: process,
        assignment_id: spawn.assignmentId,
        timestamp: '1000',
        block_height: '1800000',
        owner: spawn.owner,
        bytes: '1500',
        tags: { Type: ['Process'] },
        shortened: null,
      },
    ])
    expect(await database.rows('select * from messages where id = $1', [message.id])).toEqual([
      {
        process,
        nonce: '1',
        kind: 'message',
        id: message.id,
        assignment_id: message.assignmentId,
        target: process,
        timestamp: '1010',
        time_key: '1010',
        block_height: '1800000',
        owner: message.owner,
        bytes: '1500',
        tags: { Action: ['Transfer'], Note: ['first', 'second'] },
        shortened: null,
      },
    ])
  })

  it('say when they are short of something', async () => {
    const process = randomId()
    const names = Object.keys(oddTags)
    await indexOn(database.proxyUrl).index([
      ...names.map((name, n) => metadataOf(process, n + 1, { tags: oddTags[name] ?? [] })),
      metadataOf(process, 100, { unreadable: true }),
    ])
    const rows = await database.rows('select nonce, tags, shortened from messages where process = $1', [process])
    const row = (name: string) => rows.find(({ nonce }) => Number(nonce) === names.indexOf(name) + 1)
    const short = names.filter((name) => row(name)?.shortened === 'tags')
    expect(short).toEqual([
      'a value of 3 MB',
      'a name of 1 MB',
      'a pair that the limit cuts in two',
      '10,000 tags',
      '10,000 empty tags',
    ])
    expect(row('a NUL')?.tags).toEqual({ 'A\u2400B': ['\u2400'] })
    expect(row('half a surrogate pair')?.tags).toEqual({ '\ufffd': ['x\ufffdy'] })
    expect(row('names of object members')?.tags).toEqual(
      JSON.parse(
        '{"__proto__":["__proto__"],"constructor":["constructor"],"toString":["toString"],"length":["length"]}',
      ),
    )
    expect(rows.find(({ nonce }) => nonce === '100')?.shortened).toBe('unreadable')
  })

  /** Has Postgres refuse each row with a tag `Poison`, until the function that this answers with is called. */
  async function refusePoison(code: string) {
    await database.rows(`
      create function refuse_poison() returns trigger language plpgsql as $$ begin
        if new.tags ? 'Poison' then raise exception 'poison' using errcode = '${code}'; end if;
        return new;
      end $$`)
    for (const table of ['messages', 'processes']) {
      await database.rows(
        `create trigger poison before insert on ${table} for each row execute function refuse_poison()`,
      )
    }
    return () => database.rows('drop function refuse_poison cascade')
  }
  const poison = { tags: [{ name: 'Poison', value: '' }] }

  it.each(['22P05', 'XX000'])(
    'are cut down to their place where Postgres refuses the rest (%s), and the others are whole',
    async (code) => {
      const accept = await refusePoison(code)
      const process = randomId()
      const poisoned = new Set([0, 7, 8, 399])
      const records = Array.from({ length: 400 }, (_, nonce) =>
        metadataOf(process, nonce, poisoned.has(nonce) ? poison : {}),
      )
      const whole = (nonce: number) => ({
        tags: poisoned.has(nonce) ? { Poison: [''] } : { Action: ['Test'] },
        owner: records[nonce]?.owner,
        shortened: null,
      })
      const cut = { tags: {}, owner: null, shortened: 'refused' }
      const expectRows = async (content: (nonce: number) => object) => {
        const rows = await database.rows(
          'select nonce, id, tags, owner, shortened from messages where process = $1 order by nonce',
          [process],
        )
        expect(rows).toEqual(records.map(({ nonce, id }) => ({ nonce: `${nonce}`, id, ...content(nonce) })))
        expect(await database.rows('select tags, owner, shortened from processes where id = $1', [process])).toEqual([
          content(0),
        ])
      }
      try {
        await indexOn(database.proxyUrl).index(records)
        await expectRows((nonce) => (poisoned.has(nonce) ? cut : whole(nonce)))
      } finally {
        await accept()
      }
      // Written once more, they are whole; and stay so where Postgres refuses them later.
      await indexOn(database.proxyUrl).index(records)
      await expectRows(whole)
      const acceptAgain = await refusePoison(code)
      try {
        await indexOn(database.proxyUrl).index(records)
        await expectRows(whole)
      } finally {
        await acceptAgain()
      }
    },
    60_000,
  )

  it('are not cut where Neon’s proxy is in trouble', async () => {
    const gate = await openGate()
    const index = indexOn(gate.url)
    const outcomes: string[] = []
    for (const failing of [1, 2, 3, 7, 8]) {
      const process = randomId()
      const records = Array.from({ length: 64 }, (_, nonce) => metadataOf(process, nonce))
      gate.failNext(failing)
      const before = gate.asked()
      let attempts = 0
      for (let done = false; !done; attempts++) {
        done = await index.index(records).then(
          () => true,
          (error) => {
            expect(error).toMatchObject({ code: 'unavailable' })
            return false
          },
        )
      }
      outcomes.push(`${attempts} attempts, ${gate.asked() - before} statements`)
      const rows = await database.rows('select shortened from messages where process = $1', [process])
      expect(rows).toEqual(records.map(() => ({ shortened: null })))
    }
    // A write, its probe, and the write again. No batch is halved.
    expect(outcomes).toEqual([
      '1 attempts, 3 statements',
      '2 attempts, 3 statements',
      '2 attempts, 5 statements',
      '4 attempts, 9 statements',
      '5 attempts, 9 statements',
    ])
    await gate.close()
  })

  it('are mended when they are written again, and otherwise left alone', async () => {
    const process = randomId()
    const index = indexOn(database.proxyUrl)
    const [spawn, message, third] = [0, 1, 2].map((nonce) => metadataOf(process, nonce))
    if (!spawn || !message || !third) throw new Error('no records')
    const cut = ({ owner: _owner, target: _target, ...rest }: RecordMetadata) => ({
      ...rest,
      tags: [],
      unreadable: true,
    })
    await index.index([cut(spawn), cut(message), third])
    const state = () =>
      database.rows('select nonce, shortened, xmin::text as version from messages where process = $1 order by nonce', [
        process,
      ])
    const before = await state()
    expect(before.map(({ shortened }) => shortened)).toEqual(['unreadable', 'unreadable', null])
    await index.index([spawn, message, third])
    const after = await state()
    expect(after.map(({ shortened }) => shortened)).toEqual([null, null, null])
    expect(after[2]?.version).toBe(before[2]?.version)
    expect(await database.rows('select owner, shortened from processes where id = $1', [process])).toEqual([
      { owner: spawn.owner, shortened: null },
    ])
    await index.index([spawn, message, third])
    expect(await state()).toEqual(after)
  })

  it('wait where Postgres refuses everything, for then it is not the content', async () => {
    const process = randomId()
    await database.rows('alter table messages add constraint closed check (nonce < 0) not valid')
    try {
      const records = [metadataOf(process, 0), metadataOf(process, 1)]
      await expect(indexOn(database.proxyUrl).index(records)).rejects.toMatchObject({ code: 'unavailable' })
    } finally {
      await database.rows('alter table messages drop constraint closed')
    }
    await database.rows('alter table messages rename to elsewhere')
    try {
      await expect(indexOn(database.proxyUrl).index([metadataOf(process, 0)])).rejects.toMatchObject({
        code: 'unavailable',
      })
    } finally {
      await database.rows('alter table elsewhere rename to messages')
    }
  })
})

describe('the client', () => {
  it('has no more requests under way than it may', async () => {
    const gate = await openGate()
    const index = indexOn(gate.url)
    await Promise.all(Array.from({ length: 40 }, () => index.index([metadataOf(randomId(), 0)])))
    expect(gate.most()).toBe(4)
    await gate.close()
  })

  it('leaves an index that did not answer alone for a while', async () => {
    const gate = await openGate()
    const process = randomId()
    await indexOn(database.proxyUrl).index([metadataOf(process, 0)])
    const times = createTimeIndex({ url: database.url, proxyUrl: gate.url, timeoutMs: 1500, restMs: 2000 })
    expect(await times.lastNonceUpTo(process, 1e15)).toBe(0)
    gate.set('says nothing')
    const before = gate.asked()
    for (let n = 0; n < 20; n++) expect(await times.lastNonceUpTo(process, 1e15)).toBeUndefined()
    expect(gate.asked() - before).toBe(1)
    gate.set('passes')
    await expect.poll(() => times.lastNonceUpTo(process, 1e15), { timeout: 30_000 }).toBe(0)
    await gate.close()
  })
})
