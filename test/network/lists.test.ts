import { describe, expect, it, onTestFinished } from 'vitest'
import type { Clock } from '../../core/ports/clock.ts'
import { createAccessLists } from '../../network/lists.ts'
import { FakeLists } from '../fakes/lists.ts'
import { randomId } from '../suites/gateway.ts'
import { type ListsContent, listsBehaviours } from '../suites/lists.ts'
import { deadUrl, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

const OWN = 'https://su.example'

listsBehaviours('the fake', async ({ addresses, processes }) => {
  const lists = new FakeLists()
  lists.addresses = Array.isArray(addresses) ? new Set(addresses) : addresses
  lists.processes = Array.isArray(processes)
    ? new Map(
        processes
          .filter(({ unit }) => unit === 'own')
          .map(({ id, readOnly }) => [id, { read: true, write: !readOnly }]),
      )
    : processes
  return { lists, close: async () => {} }
})

listsBehaviours('the adapter', async (content) => {
  const server = await startOutsideServer((request, response) => {
    const list = request.path === '/ips' ? content.addresses : allowList(content.processes)
    return list === 'never read' ? send(response, 500) : send(response, 200, list)
  })
  const lists = createAccessLists({
    ...(content.addresses && { ipListUrl: `${server.url}/ips` }),
    ...(content.processes && { processList: { url: `${server.url}/processes`, ownUrl: OWN } }),
    deadlineMs: 2_000,
  })
  return { lists, close: () => server.close() }
})

function allowList(processes: ListsContent['processes']) {
  if (!Array.isArray(processes)) return processes
  return {
    sus: { [OWN]: { dbs: [{ db_name: 'su', efs_name: 'su' }] } },
    processes: Object.fromEntries(
      processes.map(({ id, unit, readOnly }) => [
        id,
        {
          su: unit === 'own' ? OWN : 'https://other.example',
          db_name: 'su',
          ...(readOnly !== undefined && { read_only: readOnly }),
        },
      ]),
    ),
  }
}

/** Time that only passes when a test says so. */
const manualClock = () => {
  let now = 1_000_000
  const clock: Clock = { now: () => now, sleep: async () => {}, random: () => 0 }
  return {
    clock,
    pass(ms: number) {
      now += ms
    },
  }
}

const started = async (answer: OutsideServer['answer']): Promise<OutsideServer> => {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return server
}

describe('addresses', () => {
  const judge = async (listed: unknown, address: string) => {
    const server = await started((_, response) => send(response, 200, listed))
    return await createAccessLists({ ipListUrl: server.url }).addressAllowed(address)
  }

  it.each([
    ['2001:db8:0:0:0:0:0:1', '2001:DB8::1'],
    ['192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    [' 192.0.2.1\n', '192.0.2.1'],
    ['::1', '0:0:0:0:0:0:0:1'],
  ])('%s on the list is %s of a caller', async (listed, address) => {
    expect(await judge([listed], address)).toBe(true)
  })

  it.each([
    ['192.0.2.1', '::192.0.2.1'],
    ['192.0.2.1', '192.0.2.10'],
    ['10.0.0.1', '010.0.0.1'],
    ['::', '0.0.0.0'],
  ])('%s on the list is not %s', async (listed, address) => {
    expect(await judge([listed], address)).toBe(false)
  })

  it.each([
    ['192.0.2.0/24', '192.0.2.255'],
    ['192.0.2.0/24', '::ffff:192.0.2.7'],
    ['192.0.2.7/24', '192.0.2.1'],
    ['192.0.2.1/32', '192.0.2.1'],
    ['0.0.0.0/0', '203.0.113.9'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::]/32', '2001:db8::2'],
    ['::/0', '2001:db8::1'],
  ])('%s on the list has %s in it', async (listed, address) => {
    expect(await judge([listed], address)).toBe(true)
  })

  it.each([
    ['192.0.2.0/24', '192.0.3.0'],
    ['192.0.2.1/32', '192.0.2.2'],
    ['2001:db8::/32', '2001:db9::1'],
    ['2001:db8::/32', '192.0.2.1'],
  ])('%s on the list does not have %s in it', async (listed, address) => {
    expect(await judge([listed], address)).toBe(false)
  })

  const none = ['', '*', 'example.org', '10.0.0.0/33', '::/129', '[192.0.2.1]', '192.0.2.1:443', '192.0.2.1/', '1/8']

  it('that are none let nobody in and do not spoil the list', async () => {
    expect(await judge([...none, '192.0.2.1'], '192.0.2.1')).toBe(true)
    expect(await judge(none, '192.0.2.1')).toBe(false)
  })

  it('that are none are told once for each change of them', async () => {
    const { clock, pass } = manualClock()
    let listed: string[] = []
    const told: (readonly string[])[] = []
    const server = await started((_, response) => send(response, 200, listed))
    const lists = createAccessLists({ ipListUrl: server.url, clock, onNotUnderstood: (entries) => told.push(entries) })
    for (const now of [['192.0.2.1'], none, [...none, '192.0.2.1'], ['192.0.2.1', 'x'], ['192.0.2.1'], ['x']]) {
      listed = now
      pass(60_000)
      await lists.addressAllowed('192.0.2.1')
      await lists.addressAllowed('192.0.2.1')
    }
    expect(told).toEqual([none, ['x'], ['x']])
  })
})

describe('the allow-list', () => {
  it('knows this unit with and without a trailing slash', async () => {
    const id = randomId()
    for (const [su, ownUrl] of [
      [OWN, `${OWN}/`],
      [`${OWN}/`, OWN],
      ['https://SU.example', OWN],
    ] as const) {
      const server = await started((_, response) => send(response, 200, { processes: { [id]: { su, db_name: 'x' } } }))
      const lists = createAccessLists({ processList: { url: server.url, ownUrl } })
      expect(await lists.processAccess(id)).toEqual({ read: true, write: true })
    }
  })

  it('allows a router what is listed at all', async () => {
    const [own, other, frozen] = [randomId(), randomId(), randomId()]
    const processes = {
      [own]: { su: OWN, db_name: 'x' },
      [other]: { su: 'https://other.example', db_name: 'y' },
      [frozen]: { su: OWN, db_name: 'x', read_only: true },
    }
    const server = await started((_, response) => send(response, 200, { processes }))
    const lists = createAccessLists({ processList: { url: server.url } })
    expect(lists.restricted).toBe(true)
    for (const id of [own, other, frozen]) expect(await lists.processAccess(id)).toMatchObject({ read: true })
    for (const id of [randomId(), '__proto__', '']) {
      expect(await lists.processAccess(id)).toEqual({ read: false, write: false })
    }
  })

  it.each([
    ['no JSON', 'hello'],
    ['an array', []],
    ['no processes', { sus: {} }],
    ['a process without a unit', { processes: { a: { db_name: 'x' } } }],
    ['read_only that is no boolean', { processes: { a: { su: OWN, read_only: 'no' } } }],
  ])('that is %s counts as not read', async (_, list) => {
    const server = await started((_, response) => send(response, 200, list))
    const lists = createAccessLists({ processList: { url: server.url, ownUrl: OWN }, deadlineMs: 200 })
    await expect(lists.processAccess('a')).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('a list that is fetched', () => {
  it('is asked for once while it is fresh, whoever asks', async () => {
    const { clock, pass } = manualClock()
    const server = await started(async (_, response) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      send(response, 200, ['192.0.2.1'])
    })
    const lists = createAccessLists({ ipListUrl: server.url, clock })
    await Promise.all(Array.from({ length: 20 }, () => lists.addressAllowed('192.0.2.1')))
    pass(29_999)
    await lists.addressAllowed('192.0.2.1')
    expect(server.requests).toHaveLength(1)
  })

  it('is never older than it may be when it judges', async () => {
    const { clock, pass } = manualClock()
    let listed = ['192.0.2.1']
    const id = randomId()
    let processes = {}
    const server = await started((request, response) =>
      send(response, 200, request.path === '/ips' ? listed : { processes }),
    )
    const lists = createAccessLists({
      ipListUrl: `${server.url}/ips`,
      processList: { url: server.url, ownUrl: OWN },
      clock,
    })
    expect(await lists.addressAllowed('192.0.2.2')).toBe(false)
    expect(await lists.processAccess(id)).toEqual({ read: false, write: false })
    listed = ['192.0.2.2']
    processes = { [id]: { su: OWN } }
    pass(10_000)
    expect(await lists.processAccess(id)).toEqual({ read: true, write: true })
    pass(20_000)
    expect(await lists.addressAllowed('192.0.2.1')).toBe(false)
    expect(await lists.addressAllowed('192.0.2.2')).toBe(true)
  })

  it('counts its age from the question, not from the answer', async () => {
    const { clock, pass } = manualClock()
    const server = await started((_, response) => {
      pass(20_000)
      send(response, 200, ['192.0.2.1'])
    })
    const lists = createAccessLists({ ipListUrl: server.url, clock })
    await lists.addressAllowed('192.0.2.1')
    pass(10_000)
    await lists.addressAllowed('192.0.2.1')
    expect(server.requests).toHaveLength(2)
  })

  it('stays as it was while it cannot be read, without making everybody wait', async () => {
    const { clock, pass } = manualClock()
    let broken = false
    const server = await started((_, response) => (broken ? send(response, 500) : send(response, 200, ['192.0.2.1'])))
    const lists = createAccessLists({ ipListUrl: server.url, clock, deadlineMs: 1_000 })
    expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
    broken = true
    pass(30_000)
    expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
    const asked = server.requests.length
    pass(1000)
    expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
    expect(server.requests).toHaveLength(asked)
    pass(3_600_000)
    expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
    expect(await lists.addressAllowed('192.0.2.2')).toBe(false)
    expect(server.requests.length).toBeGreaterThan(asked)
  })

  it('that was never read is read as soon as it can be', async () => {
    const { clock, pass } = manualClock()
    let broken = true
    const server = await started((_, response) => (broken ? send(response, 500) : send(response, 200, ['192.0.2.1'])))
    const lists = createAccessLists({ ipListUrl: server.url, clock, deadlineMs: 1_000 })
    await expect(lists.addressAllowed('192.0.2.1')).rejects.toMatchObject({ code: 'unavailable' })
    broken = false
    pass(1000)
    expect(await lists.addressAllowed('192.0.2.1')).toBe(true)
  })

  it('that hangs, or is nowhere, refuses in time', async () => {
    const hanging = await started(() => {})
    for (const url of [hanging.url, await deadUrl()]) {
      const lists = createAccessLists({ ipListUrl: url, deadlineMs: 200 })
      await expect(lists.addressAllowed('192.0.2.1')).rejects.toMatchObject({ code: 'unavailable' })
    }
  })
})
