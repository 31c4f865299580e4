/** The Rust router's Postgres as a source: its dump, damaged copies, and what is said of a database that cannot be read. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openRustRouter, type RustRouterOptions } from '../../../db/rust/placement-source.ts'
import { service } from '../../services.ts'
import { all, placementSourceSuite, suiteRows } from '../../suites/placement-source.ts'
import { authority, openSecuredWay, openWay, type Way } from './ways.ts'
import { type RustPostgres, startRustPostgres } from './world.ts'

let postgres: RustPostgres
beforeAll(async () => {
  postgres = await startRustPostgres((await service('postgres')).databaseUrl)
}, 60_000)
afterAll(() => postgres.stop())

function open(options: RustRouterOptions) {
  const source = openRustRouter(options)
  onTestFinished(() => source.close())
  return source
}

/** Such a way, cut when the test is over. */
async function by(opening: Promise<Way>): Promise<Way> {
  const way = await opening
  onTestFinished(way.cut)
  return way
}

placementSourceSuite('Rust router', async () => {
  const address = await postgres.restore()
  await postgres.loosen(address)
  await postgres.replace(address, suiteRows)
  const way = await by(openWay(address))
  return { source: open({ address: way.address, batchRows: 2 }), takeAway: way.cut }
})

describe('the database of a Rust router', () => {
  it('has what its dump has', async () => {
    const source = open({ address: await postgres.restore() })
    const rows = (await all(source, 0)).flat()
    expect(rows).toHaveLength(8)
    expect(rows.filter(({ unit }) => unit === 'http://127.0.0.1:9001').map(({ row }) => row)).toEqual([1, 4, 5, 7])
    expect(rows[1]).toEqual({
      row: 2,
      process: 'e-iObRYAe8HqWx0k0PaDy7b4z3vvBUgef3KXnFGue7M',
      unit: 'http://127.0.0.1:9002',
    })
  })

  it('connects anew after its connection broke between two batches', async () => {
    const address = await postgres.restore()
    const source = open({ address, batchRows: 3 })
    const rows = []
    for await (const batch of source.after(0)) {
      rows.push(...batch)
      if (rows.length === 3) break
    }
    await postgres.interrupt()
    const rest = async () => (await all(source, 3)).flat()
    // The first question may find out that the connection is gone.
    expect(await rest().catch(rest)).toHaveLength(5)
  })

  it('is read over TLS, of a server whose certificate is trusted', async () => {
    const { address } = await by(openSecuredWay(await postgres.restore()))
    const read = async (query: string) => {
      return (await all(open({ address: `${address}?${query}` }), 0)).flat().length
    }
    expect(await read(`sslmode=verify-full&sslrootcert=${encodeURIComponent(authority)}`)).toBe(8)
    expect(await read('sslmode=no-verify')).toBe(8)
    await expect(read('sslmode=verify-full')).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('certificate is not trusted'),
    })
    // Without TLS this way takes nothing at all.
    await expect(read('sslmode=disable')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('says what is wrong with an address, and never the address', async () => {
    const good = new URL(await postgres.restore())
    const wrong = (change: (url: URL) => void) => {
      const url = new URL(good)
      url.username = 'somebody'
      url.password = 'hushhush'
      change(url)
      return url.href
    }
    await postgres.query(postgres.url, 'create role somebody login')
    const cases: [string, string, string][] = [
      [wrong(() => {}), 'invalid-request', 'does not let this user read'],
      [
        wrong((url) => {
          url.username = 'nobody'
        }),
        'invalid-request',
        'does not let this user in',
      ],
      [
        wrong((url) => {
          url.pathname = '/elsewhere'
        }),
        'invalid-request',
        'no such database',
      ],
      [postgres.url, 'invalid-request', 'not the tables'],
      [
        wrong((url) => {
          url.searchParams.set('sslmode', 'verify-full')
        }),
        'invalid-request',
        'takes no TLS',
      ],
      [
        wrong((url) => {
          url.searchParams.set('sslrootcert', '/nowhere/hushhush.pem')
        }),
        'invalid-request',
        'ENOENT',
      ],
      [
        wrong((url) => {
          url.port = '9'
        }),
        'unavailable',
        'ECONNREFUSED',
      ],
      [
        wrong((url) => {
          url.hostname = 'hushhush.invalid'
        }),
        'unavailable',
        'does not answer',
      ],
    ]
    for (const [address, code, sentence] of cases) {
      const failure: unknown = await all(open({ address }), 0).catch((error: unknown) => error)
      expect(failure).toMatchObject({ code, message: expect.stringContaining(sentence) })
      expect(failure).not.toHaveProperty('cause')
      expect(JSON.stringify(failure) + String(failure)).not.toMatch(/hushhush|somebody|nobody|127\.0/)
    }
  }, 30_000)
})
