/** A process moves from one unit to another: whole, once, and with nothing scheduled in both. */
import { randomBytes } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../../core/ans104/base64url.ts'
import { encodeBundle } from '../../../core/ans104/bundle.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import { abandonMove } from '../../../core/placement/move-abandon.ts'
import { nextHashChain } from '../../../core/protocol/assignment.ts'
import { audit } from '../log/audit.ts'
import { Killed, MoveWorld, mortal, type TestUnit } from './move-world.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
let c: TestUnit
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b, c } = world)
})

const abandon = (process: string, from: TestUnit) => world.clock.run(abandonMove(world.deps, process, from))

/** A process on A with all kinds of records. */
async function varied({ assigned = true } = {}) {
  const process = await world.spawn(a, { assigned })
  const [one, twin] = await world.twins(process)
  const pushed = await world.schedule(a, one)
  const transaction = world.transaction(process)
  const assignedAt = await world.schedule(a, transaction)
  const base = world.transaction(process, { baseLayer: true })
  const unknown = world.transaction(process, { held: false })
  const entries = [await world.message(process), await world.large(a, process), base, unknown]
  for (const entry of entries) await world.schedule(a, entry)
  return { process, one, twin, pushed, transaction, assignedAt, base, unknown }
}

describe('a process that moves', () => {
  it.each([true, false])('is on the new unit with all that it was (assigned: %s)', async (assigned) => {
    const { process, unknown } = await varied({ assigned })
    const before = a.head(process)
    const first = assigned ? 0 : -1
    const records = await a.log.records(process, first, (before?.next ?? 0) - 1)
    const moved = await world.move(process, a, b)
    expect(moved).toMatchObject({
      process,
      unit: b.url,
      version: 3,
      next: before?.next,
      faults: [],
      uploadsLeft: 7,
    })
    expect(moved.withoutDeepHash).toEqual([
      { nonce: before?.next ? before.next - 1 : 0, id: unknown.id, reason: 'the gateway does not know it' },
    ])
    expect(world.placements.standing(process)).toMatchObject({
      unit: b.url,
      state: 'settled',
      version: 3,
      refusedBy: [],
    })
    expect(b.head(process)).toEqual({ ...before, awaits: 3 })
    expect(await b.log.records(process, first, (before?.next ?? 0) - 1)).toEqual(records)
    for (const { item } of records) {
      if (item && 'blob' in item) expect((await b.blobs.get(item.blob)).length).toBe(item.blob.bytes)
    }
    for (const [id, findings] of a.log.held.findings) expect(b.log.held.findings.get(id)).toEqual(findings)
    expect(world.open(process)).toEqual([b.url])
  })

  it('is all there also where few records come in one answer', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 150)
    a.log.recordsAtOnce = 5
    await world.move(process, a, b)
    expect(b.head(process)).toMatchObject({ next: 151 })
    a.log.recordsAtOnce = Number.POSITIVE_INFINITY
    expect(await b.log.records(process, 0, 150)).toEqual(await a.log.records(process, 0, 150))
  })

  it('goes on there with the next nonce, on the same chain, and nowhere else', async () => {
    const { process } = await varied()
    const next = a.head(process)?.next
    await world.move(process, a, b)
    await expect(world.schedule(a, await world.message(process))).rejects.toMatchObject({ code: 'frozen' })
    expect(await world.schedule(b, await world.message(process))).toMatchObject({ nonce: next })
    expect((await audit(b.log, process)).faults).toEqual([])
    expect((await audit(a.log, process)).faults).toEqual([])
  })

  it('knows there what it had: messages, transactions, deep hashes', async () => {
    const { process, one, twin, pushed, transaction, assignedAt, base } = await varied()
    await world.move(process, a, b)
    await expect(world.schedule(b, one)).rejects.toMatchObject({
      code: 'already-scheduled',
      details: { place: pushed },
    })
    await expect(world.schedule(b, twin)).rejects.toMatchObject({ code: 'deep-hash-known', details: { place: pushed } })
    for (const entry of [transaction, base]) {
      await expect(world.schedule(b, entry)).rejects.toMatchObject({ code: 'already-scheduled' })
    }
    // What the transaction says may not be assigned again; what was assigned as base-layer has no deep hash.
    const { hash = '' } = transaction.deepHash ?? {}
    expect(await b.imports.deepHash(process, hash)).toEqual(assignedAt)
    expect(b.log.held.deepHashes).toEqual(
      new Map([...a.log.held.deepHashes].filter(([, { nonce }]) => nonce <= assignedAt.nonce)),
    )
  })

  it('moves on and back, and its records are one log wherever it is', async () => {
    const process = await world.spawn(a)
    const path: [TestUnit, TestUnit][] = [
      [a, b],
      [b, a],
      [a, b],
      [b, c],
      [c, a],
    ]
    for (const [step, [from, to]] of path.entries()) {
      await world.grow(from, process, 3)
      const next = from.head(process)?.next
      expect(await world.move(process, from, to)).toMatchObject({ version: step + 3, next })
      expect(world.open(process)).toEqual([to.url])
      expect(await audit(to.log, process)).toMatchObject({ faults: [], records: { length: next } })
    }
    expect(await world.schedule(a, await world.message(process))).toMatchObject({ nonce: 16 })
  })

  it('may be large, and grow while it moves', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 300)
    let writes = 0
    b.imports.faults = {
      after: async ({ name }) => {
        if (name !== 'add' || writes === 3) return
        writes++
        for (let n = 0; n < 100; n++)
          await a.sequencer.schedule(await world.message(process), world.clock.now() + 5_000)
      },
    }
    const seen: [number, number][] = []
    const moved = await world.move(process, a, b, { onProgress: (next, of) => seen.push([next, of]) })
    expect(moved.next).toBe(601)
    expect(seen.at(-1)).toEqual([601, 601])
    expect((await audit(b.log, process)).faults).toEqual([])
  })

  it('keeps what another wallet signed, the oldest shape, and times that fall', async () => {
    const item = await world.item('old process')
    const process = item.id
    const records: LogRecord[] = [
      { process, nonce: -1, kind: 'process', id: process, item, timestamp: 50, timeKey: 50, blockHeight: 7 },
    ]
    const ids = new Map<number, string>()
    let chain = nextHashChain({ process })
    let last: Buffer = Buffer.alloc(0)
    for (const [nonce, timestamp] of [90, 40, 90].entries()) {
      const inner = parseDataItem((await world.item(`message ${nonce}`, { target: process })).raw)
      if (nonce > 0) chain = nextHashChain({ process, hashChain: chain, lastAssignment: last })
      const outer = await world.signer.sign({
        tags: Object.entries({
          Epoch: 0,
          Nonce: nonce,
          'Hash-Chain': chain.toString('base64url'),
          'Block-Height': '000000000007',
          Timestamp: timestamp,
        }).map(([name, value]) => ({ name, value: String(value) })),
        data: encodeBundle([inner]),
      })
      last = idBytes(outer.id)
      ids.set(nonce, outer.id)
      records.push({
        process,
        nonce,
        kind: 'message',
        id: inner.id,
        item: { id: inner.id, raw: inner.raw },
        assignment: outer.raw,
        timestamp,
        timeKey: 90,
        blockHeight: 7,
      })
    }
    a.log.restore(
      {
        process,
        state: 'open',
        next: 3,
        hashChain: chain,
        lastAssignment: last,
        timestamp: 90,
        blockHeight: 7,
        epoch: 4,
        firstNonce: -1,
        settlementDepth: 9,
      },
      records,
      ids,
    )
    world.placements.overwrite({ process, unit: a.url, state: 'settled', refusedBy: [], version: 1, at: 1 })
    expect(await world.move(process, a, b)).toMatchObject({ next: 3, faults: [] })
    expect(await b.log.records(process, -1, 2)).toEqual(records)
    expect(b.head(process)).toMatchObject({ epoch: 4, settlementDepth: 9, firstNonce: -1 })
    expect(await world.schedule(b, await world.message(process))).toMatchObject({ nonce: 3 })
  })
})

describe('a log that is not sound', () => {
  const spoil: [string, (record: LogRecord) => Partial<LogRecord> | Promise<Partial<LogRecord>>][] = [
    ['breaks the hash chain', async ({ assignment }) => ({ assignment: await signedAnew(assignment, 'Hash-Chain') })],
    [
      'was signed with another Nonce',
      async ({ assignment }) => ({ assignment: await signedAnew(assignment, 'Nonce') }),
    ],
    ['was signed with another Timestamp', ({ timestamp }) => ({ timestamp: timestamp - 1 })],
    ['was signed with another Block-Height', () => ({ blockHeight: 1 })],
    ['falls in time', () => ({ timeKey: 1 })],
    ['has no assignment', () => ({ assignment: undefined as never })],
    ['has no item', () => ({ item: undefined as never })],
    [
      'was signed with another Message',
      async () => {
        const item = await world.item('another')
        return { id: item.id, item }
      },
    ],
    ['holds another item than it names', async ({ id }) => ({ item: { ...(await world.item('another')), id } })],
    ['is a process, out of place', () => ({ kind: 'process' })],
  ]
  /** The assignment with a tag that is wrong. */
  async function signedAnew(assignment: Buffer | undefined, wrong: string): Promise<Buffer> {
    const { tags } = parseDataItem(assignment ?? Buffer.alloc(0))
    const changed = tags.map(({ name, value }) => ({ name, value: name === wrong ? `${value.slice(0, -2)}9A` : value }))
    return (await world.signer.sign({ tags: changed })).raw
  }

  it.each(spoil)('stays where it is, open: nonce 2 %s', async (what, spoiled) => {
    const process = await world.spawn(a)
    await world.grow(a, process, 80)
    const key = `${process}/2`
    const record = a.log.held.records.get(key)
    if (!record) throw new Error('no record')
    a.log.held.records.set(key, { ...record, ...(await spoiled(record)) })
    await expect(world.move(process, a, b)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(`nonce 2 ${what}`),
    })
    expect(world.open(process)).toEqual([a.url])
    await world.grow(a, process, 1)
  })

  it('is moved as it is where the operator says so, and the faults are told', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 5)
    const record = a.log.held.records.get(`${process}/2`)
    if (!record) throw new Error('no record')
    const assignment = await signedAnew(record.assignment, 'Hash-Chain')
    a.log.held.records.set(`${process}/2`, { ...record, assignment })
    const { faults } = await world.move(process, a, b, { despiteFaults: true })
    // What follows was chained to another one.
    expect(faults).toEqual([
      { nonce: 2, kind: 'hash-chain', what: 'breaks the hash chain' },
      { nonce: 3, kind: 'hash-chain', what: 'breaks the hash chain' },
    ])
    expect(await world.schedule(b, await world.message(process))).toMatchObject({ nonce: 6 })
  })

  it('is never moved over something else that the new unit has', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 5)
    const record = a.log.held.records.get(`${process}/2`)
    if (!record) throw new Error('no record')
    const other = await world.item('another')
    b.log.held.records.set(`${process}/2`, { ...record, id: other.id, item: other })
    await expect(world.move(process, a, b)).rejects.toMatchObject({
      code: 'already-scheduled',
      details: { place: { nonce: 2 } },
    })
    expect(world.open(process)).toEqual([a.url])
    expect(b.log.held.records.get(`${process}/2`)?.id).toBe(other.id)
  })
})

describe('a move that is refused says why, and changes nothing', () => {
  it.each<[string, (process: string) => Promise<unknown> | unknown, string]>([
    ['placed nowhere', () => world.move(randomBytes(32).toString('base64url'), a, b), 'is placed on no unit'],
    [
      'placed elsewhere',
      (process) => world.move(process, b, c),
      'is placed on https://a.example, not on https://b.example',
    ],
    ['to itself', (process) => world.move(process, a, a), 'Both are the unit'],
    [
      'provisional',
      (process) => {
        world.placements.overwrite({ process, unit: a.url, state: 'provisional', refusedBy: [], version: 1, at: 1 })
        return world.move(process, a, b)
      },
      'is provisional',
    ],
    [
      'not there',
      (process) => {
        a.log.held.heads.delete(process)
        return world.move(process, a, b)
      },
      'has no such process',
    ],
    [
      'still being migrated',
      async (process) => {
        await a.log.setState(process, 'open', 'incomplete')
        return world.move(process, a, b)
      },
      'still being brought',
    ],
    [
      'frozen by other means',
      async (process) => {
        await a.log.setState(process, 'open', 'frozen')
        return world.move(process, a, b)
      },
      'not for a move',
    ],
    [
      'open at both',
      (process) => {
        b.log.restore({ ...(a.head(process) ?? never()) }, [])
        return world.move(process, a, b)
      },
      'open on https://b.example already',
    ],
    [
      'a placement that is older than the head',
      async (process) => {
        await a.fence.freeze(process, 7)
        await a.fence.open(process, 7)
        return world.move(process, a, b)
      },
      'has seen version 7',
    ],
    [
      'another wallet',
      (process) => {
        b.identity.identity = { ...(b.identity.identity ?? never()), wallet: 'another' }
        return world.move(process, a, b)
      },
      'signs with the wallet',
    ],
    [
      'a log that was never begun',
      (process) => {
        b.identity.identity = undefined
        return world.move(process, a, b)
      },
      'never begun',
    ],
    [
      'a log from a backup',
      (process) => {
        a.identity.tables = 'restored'
        return world.move(process, a, b)
      },
      'came back from a backup',
    ],
  ])('%s', async (_, attempt, sentence) => {
    const process = await world.spawn(a)
    const [placement, awaits] = [world.placements.standing(process), a.head(process)?.awaits]
    const move = Promise.resolve(attempt(process))
    await expect(move).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining(sentence) })
    expect(awaits).toBeUndefined()
    expect(world.placements.standing(process)?.unit).toBe(placement?.unit)
    expect(b.head(process)?.state).not.toBe('frozen')
  })

  it.each([
    ['a later move of the process', { awaits: 7 }, 0, 'A later move of the process brought it to https://b.example'],
    ['more nonces than the old unit', {}, 3, 'has 9 nonces of the process, https://a.example only 6'],
  ])('%s left on the new unit stays there as it is', async (_, frozen, ahead, sentence) => {
    const process = await world.spawn(a)
    await world.grow(a, process, 5)
    const head = a.head(process) ?? never()
    const standing = { ...head, ...frozen, state: 'frozen', next: head.next + ahead } as const
    b.log.restore(standing, [])
    await expect(world.move(process, a, b)).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining(sentence),
    })
    expect(b.head(process)).toEqual(standing)
    expect(world.placements.standing(process)).toMatchObject({ unit: a.url })
    expect(world.open(process)).not.toContain(b.url)
  })

  it('and an outage is an outage', async () => {
    const process = await world.spawn(a)
    await world.schedule(a, world.transaction(process))
    world.gateway.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    await expect(world.move(process, a, b)).rejects.toMatchObject({ code: 'unavailable' })
    expect(world.open(process)).toEqual([a.url])
    world.gateway.faults = {}
    await world.move(process, a, b)
    expect(world.open(process)).toEqual([b.url])
  })
})

function never(): never {
  throw new Error('not there')
}

describe('a move that is killed', () => {
  for (const lastHappens of [false, true]) {
    for (const then of ['taken up', 'abandoned', 'abandoned, then done'] as const) {
      it(`${lastHappens ? 'after' : 'before'} each step, and ${then}`, async () => {
        let died = true
        let step = 0
        for (; died; step++) {
          world = new MoveWorld(step)
          ;({ a, b, c } = world)
          const { process } = await varied()
          const life = { calls: step, lastHappens }
          const [from, to] = [mortal<TestUnit>(a, life), mortal<TestUnit>(b, life)]
          died = await world.move(process, from, to, {}, mortal(world.deps, life)).then(
            () => false,
            (error) => error instanceof Killed || expect.unreachable(String(error)),
          )
          expect(world.open(process).length).toBeLessThan(2)
          const placed = world.placements.standing(process)?.unit
          if (then !== 'taken up') {
            const abandoned = abandon(process, a)
            if (placed === a.url) {
              await abandoned
              expect(world.open(process)).toEqual([a.url])
              expect(await world.schedule(a, await world.message(process))).toMatchObject({ nonce: 7 })
            } else
              await expect(abandoned).rejects.toMatchObject({ message: expect.stringContaining(`placed on ${b.url}`) })
          }
          if (then !== 'abandoned' || placed === b.url) await world.move(process, a, b)
          const home = then === 'abandoned' && placed === a.url ? a : b
          expect(world.open(process)).toEqual([home.url])
          expect(world.placements.standing(process)).toMatchObject({ unit: home.url, state: 'settled' })
          await world.schedule(home, await world.message(process))
          expect((await audit(home.log, process)).faults).toEqual([])
          // What is left to be uploaded is uploaded, whoever does it.
          for (const unit of world.units) await world.clock.run(unit.relayed(process))
          checkUploads(process, home, 2)
        }
        expect(step).toBeGreaterThan(25)
      }, 60_000)
    }
  }
})

/** Everything of the process is uploaded, and no id of it more often than that. */
function checkUploads(process: string, home: TestUnit, atMost = Number.POSITIVE_INFINITY): void {
  for (const { id, assignment, item } of home.log.held.records.values()) {
    if (item) expect(world.bundler.taken.has(id)).toBe(true)
    if (assignment) expect(world.bundler.taken.has(parseDataItem(assignment).id)).toBe(true)
  }
  const counts = new Map<string, number>()
  for (const id of world.bundler.attempts) counts.set(id, (counts.get(id) ?? 0) + 1)
  expect([process, Math.max(...counts.values())]).toEqual([process, expect.toSatisfy((n: number) => n <= atMost)])
}

describe('two at once', () => {
  it('to two units: one has its way, the copy of the other stays frozen', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      world = new MoveWorld(seed)
      ;({ a, b, c } = world)
      const { process } = await varied()
      const slow = async () => world.clock.sleep(50 * world.clock.random())
      for (const { log, imports, fence } of world.units) {
        for (const port of [log, imports, fence]) port.faults = { before: slow, after: slow }
      }
      world.placements.faults = { before: slow, after: slow }
      const attempts = [world.move(process, a, b), world.move(process, a, c)]
      const outcomes = await world.clock.run(Promise.allSettled(attempts))
      for (const { log, imports, fence } of world.units) for (const port of [log, imports, fence]) port.faults = {}
      const won = outcomes.filter(({ status }) => status === 'fulfilled')
      expect([seed, won.length]).toEqual([seed, 1])
      const winner = outcomes[0]?.status === 'fulfilled' ? b : c
      const loser = winner === b ? c : b
      expect(world.open(process)).toEqual([winner.url])
      expect(loser.head(process)?.state).not.toBe('open')
      const lost = outcomes.find((outcome) => outcome.status === 'rejected')
      expect(String(lost?.reason)).toMatch(new RegExp(`${winner.url}|under way`))
      await expect(world.move(process, a, loser)).rejects.toMatchObject({
        message: `The process is placed on ${winner.url}, not on ${a.url}.`,
      })
      await world.grow(winner, process, 2)
      expect((await audit(winner.log, process)).faults).toEqual([])
    }
  }, 60_000)

  it('to one unit: both are content', async () => {
    const { process } = await varied()
    await world.clock.run(Promise.all([world.move(process, a, b), world.move(process, a, b)]))
    expect(world.open(process)).toEqual([b.url])
    expect(world.placements.standing(process)?.version).toBe(3)
  })

  it('a move and its abandoning: one has its way', async () => {
    const { process } = await varied()
    b.imports.faults = {
      // Everything is there, and the placement not yet changed.
      after: async ({ name }) => {
        if (name === 'finish') await abandonMove(world.deps, process, a)
      },
    }
    await expect(world.move(process, a, b)).rejects.toMatchObject({ message: expect.stringContaining('was abandoned') })
    expect(world.open(process)).toEqual([a.url])
    await world.grow(a, process, 3)
    b.imports.faults = {}
    await world.move(process, a, b)
    expect(world.open(process)).toEqual([b.url])
    await expect(abandon(process, a)).rejects.toMatchObject({ message: expect.stringContaining(`placed on ${b.url}`) })
  })

  it('who was held up before his last step opens nothing any more', async () => {
    const { process } = await varied()
    const placement = world.placements
    // Held up before it opens the head: in between the process moves on.
    let held = true
    b.fence.faults = {
      before: async ({ name }) => {
        if (name !== 'open' || !held) return
        held = false
        await world.move(process, b, c)
        await world.grow(c, process, 2)
      },
    }
    await expect(world.move(process, a, b)).rejects.toMatchObject({ code: 'invalid-request' })
    expect(world.open(process)).toEqual([c.url])
    expect(placement.standing(process)).toMatchObject({ unit: c.url, version: 4 })

    // And who abandons a move: in between the next one is done.
    await c.fence.freeze(process, 5)
    held = true
    c.fence.faults = {
      before: async ({ name }) => {
        if (name !== 'open' || !held) return
        held = false
        await world.move(process, c, a)
        await world.grow(a, process, 2)
      },
    }
    await expect(abandon(process, c)).rejects.toMatchObject({ message: expect.stringContaining('Another move') })
    expect(world.open(process)).toEqual([a.url])
    expect((await audit(a.log, process)).faults).toEqual([])
  })

  it('who was held up with an old copy writes it over nothing', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 3)
    let held = true
    b.imports.faults = {
      before: async ({ name }) => {
        if (name !== 'finish' || !held) return
        held = false
        // The move is abandoned, the process goes on, and is moved by somebody else.
        await abandonMove(world.deps, process, a)
        await world.grow(a, process, 3)
        await world.move(process, a, b)
      },
    }
    await expect(world.move(process, a, b)).rejects.toMatchObject({ message: expect.stringContaining('run it again') })
    expect(b.head(process)).toMatchObject({ next: 7, state: 'open' })
    expect(await world.move(process, a, b)).toMatchObject({ next: 7 })
    await world.grow(b, process, 1)
    expect((await audit(b.log, process)).faults).toEqual([])
  })
})

describe('an abandoned move', () => {
  it('lets the old unit go on, as if nothing had been', async () => {
    const process = await world.spawn(a)
    expect(await abandon(process, a)).toMatchObject({ opened: false, version: 2 })
    await a.fence.freeze(process, 3)
    expect(await abandon(process, a)).toMatchObject({ opened: true, version: 3 })
    expect(await abandon(process, a)).toMatchObject({ opened: false, version: 3 })
    await world.grow(a, process, 1)
    // Killed between its two steps.
    await a.fence.freeze(process, 4)
    const life = { calls: 0, lastHappens: true }
    a.fence.faults = {
      before: () => {
        life.calls++
        throw new Error('away')
      },
    }
    await expect(abandon(process, a)).rejects.toMatchObject({ code: 'unavailable' })
    a.fence.faults = {}
    expect(world.placements.standing(process)).toMatchObject({ unit: a.url, version: 4 })
    expect(await abandon(process, a)).toMatchObject({ opened: true, version: 4 })
    await world.grow(a, process, 1)
  })

  it('is refused where there was none', async () => {
    const process = await world.spawn(a)
    await a.log.setState(process, 'open', 'frozen')
    await expect(abandon(process, a)).rejects.toMatchObject({ message: expect.stringContaining('not for a move') })
    await expect(abandon(process, b)).rejects.toMatchObject({ message: expect.stringContaining(`placed on ${a.url}`) })
    expect(a.head(process)?.state).toBe('frozen')
  })
})

describe('uploads', () => {
  it('are not repeated, and none is left out', async () => {
    const { process } = await varied()
    await world.clock.run(a.relayed(process))
    const moved = await world.move(process, a, b, { uploadPatienceMs: 10_000 })
    expect(moved.uploadsLeft).toBe(0)
    expect(b.relay.done(process, 'upload')).toBe(a.head(process)?.next)
    expect(b.relay.done(process, 'metadata')).toBeUndefined()
    await world.grow(b, process, 3)
    for (const unit of [b, a]) await world.clock.run(unit.relayed(process))
    checkUploads(process, b, 1)
    expect(b.index.nonces(process)).toHaveLength(b.head(process)?.next ?? 0)
  })

  it('are waited for, a while', async () => {
    const { process } = await varied()
    const began = world.clock.now()
    const relayed = world.clock.sleep(1_500).then(() => a.relayed(process))
    const moved = await world.move(process, a, b, { uploadPatienceMs: 10_000 })
    await world.clock.run(relayed)
    expect(moved.uploadsLeft).toBe(0)
    expect(world.clock.now() - began).toBeLessThan(2_500)
    for (const unit of [b, a]) await world.clock.run(unit.relayed(process))
    checkUploads(process, b, 1)
  })

  it('that the old unit could not do are done, by the new one too', async () => {
    const { process } = await varied()
    const fourth = a.ids(process).get(4)
    world.bundler.decide = (id) =>
      id === fourth || world.bundler.taken.size > 4 ? { kind: 'trouble', reason: 'down', away: true } : undefined
    await world.clock.run(a.relayed(process))
    const stood = a.relay.done(process, 'upload')
    const moved = await world.move(process, a, b, { uploadPatienceMs: 1_000 })
    expect(moved.uploadsLeft).toBeGreaterThan(0)
    expect(b.relay.done(process, 'upload')).toBe(stood)
    world.bundler.decide = () => undefined
    await world.clock.run(b.relayed(process))
    expect(world.bundler.taken.has(fourth ?? '')).toBe(true)
    expect(b.relay.done(process, 'upload')).toBe(b.head(process)?.next)
  })

  it('that were left undone come along on the way back too', async () => {
    const { process } = await varied()
    world.bundler.decide = () => ({ kind: 'trouble', reason: 'away' })
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, c],
    ] as const)
      await world.move(process, from, to)
    world.bundler.decide = () => undefined
    for (const unit of world.units) await world.clock.run(unit.relayed(process))
    checkUploads(process, c)
  })

  it('that are dead letters go along', async () => {
    const { process } = await varied()
    const refused = a.ids(process).get(3) ?? ''
    world.bundler.decide = (id) => (id === refused ? { kind: 'refused', reason: 'no' } : undefined)
    await world.clock.run(a.relayed(process))
    await world.move(process, a, b, { uploadPatienceMs: 10_000 })
    expect(b.relay.isOwed({ process, sink: 'upload', nonce: 3, part: 'item' })).toBe(true)
    expect(b.relay.done(process, 'upload')).toBe(7)
  })
})
