/** The Rust unit's Postgres as a source: its dump, damaged copies, connections that break. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { SourceMessage } from '../../../core/ports/migration-source.ts'
import { openRustLog, type RustLogOptions, type RustLogSource } from '../../../db/rust/log-source.ts'
import { service } from '../../services.ts'
import { migrationSourceSuite } from '../../suites/migration-source.ts'
import { authority, openSecuredWay, openWay, type Way } from './ways.ts'
import { type RustPostgres, startRustPostgres } from './world.ts'

let postgres: RustPostgres
beforeAll(async () => {
  postgres = await startRustPostgres((await service('postgres')).databaseUrl)
}, 60_000)
afterAll(() => postgres.stop())

/** Whoever waits in a test waits for as long as this. */
const patience = { retries: 3, minTimeout: 10 }

function open(options: RustLogOptions) {
  const source = openRustLog({ patience, ...options })
  onTestFinished(() => source.close())
  return source
}

async function by(opening: Promise<Way>): Promise<Way> {
  const way = await opening
  onTestFinished(way.cut)
  return way
}

const ids = async (source: RustLogSource) => {
  const all: string[] = []
  for await (const batch of source.processes({ from: 0 })) all.push(...batch)
  return all
}

const messagesOf = async (source: RustLogSource, process: string) => {
  const all: SourceMessage[] = []
  for await (const batch of source.messages(process, { from: 0 }, 0)) all.push(...batch)
  return all
}

// Once where text is ordered as its bytes are, once where it is not.
for (const locale of [undefined, 'en']) {
  migrationSourceSuite(`Rust unit, locale ${locale ?? 'C'}`, async (rows, settings) => {
    const address = await postgres.emptyUnit(locale)
    await postgres.add(address, rows)
    const way = await by(openWay(address))
    return {
      source: open({ address: way.address, connections: 3, ...settings }),
      add: (more) => postgres.add(address, more),
      takeAway: way.cut,
    }
  })
}

describe('the database of a Rust unit', () => {
  it('has what its dump has', async () => {
    const source = open({ address: await postgres.restore('rust-su') })
    expect(await source.size({ from: 0 })).toEqual({ processes: 5, messages: 47 })
    const processes = await ids(source)
    expect(processes).toEqual(processes.toSorted())
    const messages = (await Promise.all(processes.map((process) => messagesOf(source, process)))).flat()
    expect(messages.map(({ row }) => row).sort((a, b) => a - b)).toEqual(Array.from({ length: 47 }, (_, at) => at + 1))
    for (const { bundle, nonce } of messages) {
      expect(bundle.length).toBeGreaterThan(1_000)
      // Only what is before the assignments' own items has tags at the outer one.
      const tag = parseDataItem(bundle).tags.find(({ name }) => name === 'Nonce')
      if (tag) expect(tag.value).toBe(String(nonce))
    }
    expect(messages.some(({ assignment }) => assignment === undefined)).toBe(true)
    const found = await Promise.all(processes.map((process) => source.process(process)))
    expect(found.filter((process) => process?.nonce === 0)).toHaveLength(2)
    expect(found.filter((process) => process && process.nonce === undefined)).toHaveLength(3)
    for (const process of processes) {
      const { lowest = 0, messages: count, nonces } = await source.extent(process)
      expect(nonces).toBe(count)
      expect(await source.irregularities(process, lowest, 10)).toEqual([])
    }
  })

  it('is read on where its connections broke, between two batches and amid them', async () => {
    const address = await postgres.restore('rust-su')
    const quiet = open({ address })
    const [first = ''] = (await ids(quiet)).sort()
    const sizes = await Promise.all((await ids(quiet)).map((process) => quiet.extent(process)))
    const most = Math.max(...sizes.map(({ messages }) => messages))
    const process = (await ids(quiet))[sizes.findIndex(({ messages }) => messages === most)] ?? first
    const source = open({ address, batchRows: 1 })
    const rows: number[] = []
    for await (const batch of source.messages(process, { from: 0 }, 0)) {
      rows.push(...batch.map(({ nonce }) => nonce))
      await postgres.interrupt()
    }
    const expected = (await messagesOf(quiet, process)).map(({ nonce }) => nonce)
    expect(rows).toEqual(expected)

    const steady = open({ address, batchRows: 1, patience: { retries: 50, minTimeout: 5, maxTimeout: 50 } })
    await steady.size({ from: 0 })
    let reading = true
    const interrupting = (async () => {
      for (; reading; ) await postgres.interrupt()
    })()
    const several = await Promise.all([1, 2, 3, 4].map(() => messagesOf(steady, process)))
    reading = false
    await interrupting
    for (const read of several) expect(read.map(({ nonce }) => nonce)).toEqual(expected)
  })

  it('is given up after a while, and read again when it is back', async () => {
    const address = await postgres.restore('rust-su')
    const way = await by(openWay(address))
    const source = open({ address: way.address })
    expect(await ids(source)).toHaveLength(5)
    await way.cut()
    await expect(ids(source)).rejects.toMatchObject({ code: 'unavailable' })
    await source.close()
    await expect(ids(source)).rejects.toMatchObject({ code: 'unavailable' })
    const other = open({ address })
    await other.size({ from: 0 })
    await other.close()
    expect(await ids(other)).toHaveLength(5)
  })

  it('is read over TLS, of a server whose certificate is trusted', async () => {
    const { address } = await by(openSecuredWay(await postgres.restore('rust-su')))
    const read = async (query: string) => (await ids(open({ address: `${address}?${query}` }))).length
    expect(await read(`sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`)).toBe(5)
    expect(await read('sslmode=no-verify')).toBe(5)
    await expect(read('sslmode=verify-full')).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('certificate is not trusted'),
    })
    await expect(read('sslmode=disable')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('says what is wrong with an address or with what is there', async () => {
    const good = new URL(await postgres.restore('rust-su'))
    const changed = (change: Partial<URL>) => Object.assign(new URL(good), change).href
    await postgres.query(postgres.url, 'create role stranger login')
    const cases: [string, string, string][] = [
      [changed({ username: 'stranger', password: 'hushhush' }), 'invalid-request', 'does not let this user read'],
      [changed({ username: 'nobody' }), 'invalid-request', 'does not let this user in'],
      [changed({ pathname: '/elsewhere' }), 'invalid-request', 'no such database'],
      [postgres.url, 'invalid-request', 'not the tables'],
      [changed({ port: '9' }), 'unavailable', 'ECONNREFUSED'],
      [changed({ hostname: 'hushhush.invalid' }), 'unavailable', 'does not answer'],
    ]
    for (const [address, code, sentence] of cases) {
      const failure: unknown = await ids(open({ address })).catch((error: unknown) => error)
      expect([address, failure]).toMatchObject([address, { code, message: expect.stringContaining(sentence) }])
      expect(failure).not.toHaveProperty('cause')
      expect(JSON.stringify(failure) + String(failure)).not.toMatch(/hushhush|stranger|nobody|127\.0/)
    }
  }, 30_000)
})
