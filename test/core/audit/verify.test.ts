/** A whole log verified: a sound one is sound, and each kind of damage is found where it is. */
import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { encodeBundle } from '../../../core/ans104/bundle.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { FaultKind } from '../../../core/audit/fault.ts'
import { verify } from '../../../core/audit/verify.ts'
import { SchedulerError } from '../../../core/errors.ts'
import type { Head, LogRecord } from '../../../core/log/record.ts'
import type { Finding } from '../../../core/ports/log-store.ts'
import { nextHashChain } from '../../../core/protocol/assignment.ts'
import { AuditWorld, alice, wallet } from './world.ts'

const flipped = (bytes: Buffer | undefined, at: number): Buffer => {
  const copy = Buffer.from(bytes ?? [])
  copy[at < 0 ? copy.length + at : at] = (copy.at(at) ?? 0) ^ 1
  return copy
}

/** Within the signature, which is what an item's id comes from, and behind everything that is signed. */
const SIGNATURE = 100

describe('a sound log', () => {
  it.each([true, false])('is sound, with an assignment of the process: %s', async (assigned) => {
    const world = new AuditWorld()
    const process = await world.process({ assigned, more: 140 })
    const next = assigned ? 145 : 144
    expect(await world.verify(process)).toEqual({ faults: [], records: 145, pending: 0, next })
    expect(await world.verify(process, { history: 'any' })).toMatchObject({ faults: [] })
  })

  it('is so also where few records come in one answer', async () => {
    const world = new AuditWorld()
    world.inspection.recordsAtOnce = 5
    const process = await world.process({ more: 140 })
    expect(await world.verify(process)).toEqual({ faults: [], records: 145, pending: 0, next: 145 })
    world.log.held.records.delete(`${process}/77`)
    const { faults, records } = await world.verify(process)
    expect([records, faults.filter(({ kind }) => kind === 'missing').map(({ nonce }) => nonce)]).toEqual([145, [77]])
  })

  it('of a process without messages is sound', async () => {
    const world = new AuditWorld()
    for (const assigned of [true, false]) {
      const process = await world.writer.spawn({ assigned })
      expect(await world.verify(process)).toMatchObject({ faults: [], records: 1, next: assigned ? 1 : 0 })
    }
  })

  it('may be taken up anywhere', async () => {
    const world = new AuditWorld()
    for (const assigned of [true, false]) {
      const process = await world.process({ assigned, more: 70 })
      const next = assigned ? 75 : 74
      for (const from of [-1, 0, 1, 2, 64, next - 1, next]) {
        const { faults, next: reached } = await world.verify(process, { from })
        expect({ from, faults, reached }).toEqual({ from, faults: [], reached: next })
      }
      await expect(world.verify(process, { from: next + 1 })).rejects.toMatchObject({ code: 'invalid-request' })
    }
  })

  it('may grow meanwhile', async () => {
    const world = new AuditWorld()
    const process = await world.process()
    world.inspection.faults = {
      async after() {
        world.inspection.faults = {}
        await world.writer.schedule(await world.writer.message(process))
      },
    }
    expect(await world.verify(process)).toMatchObject({ faults: [], next: 7 })
  })

  it('is read no further ahead than its reader follows', async () => {
    const world = new AuditWorld()
    const process = await world.process({ more: 640 })
    let read = 0
    world.inspection.faults = {
      after({ args }) {
        read += (args[1] as number[]).length
      },
    }
    let verified = 0
    for await (const { records } of verify(world.deps, process, { history: 'own' })) {
      verified += records
      await setTimeout(5)
      // Two stretches under way, and one that waits.
      expect(read - verified).toBeLessThanOrEqual(3 * 64 + 1)
    }
    expect(verified).toBe(645)
  })

  it('may be frozen, and keeps deep hashes that nobody checked', async () => {
    const world = new AuditWorld()
    const process = await world.process()
    const { deepHash, ...twin } = await world.writer.message(process, { pushed: process })
    await world.writer.schedule({ ...twin, deepHash: { hash: deepHash?.hash ?? '', claimed: false } })
    await world.log.setState(process, 'open', 'frozen')
    expect(await world.verify(process)).toMatchObject({ faults: [], next: 8 })
    for (const [key, place] of world.log.held.deepHashes) world.log.held.deepHashes.set(key, { ...place, nonce: 1 })
    expect((await world.verify(process)).faults).toMatchObject(found([2, 'lookup'], [7, 'lookup']))
  })

  it('is not there, or not yet', async () => {
    const world = new AuditWorld()
    await expect(world.verify(randomBytes(32).toString('base64url'))).rejects.toMatchObject({ code: 'not-found' })
    const process = await world.process()
    await world.log.setState(process, 'open', 'incomplete')
    await expect(world.verify(process)).rejects.toMatchObject({ code: 'incomplete' })
  })
})

/** Damage of one record, and what is found: nonce and kind. The log has nonces 0 to 6 (`Writer.grow`). */
type Spoil = (world: AuditWorld, process: string) => void | Promise<void>
const found = (...faults: [number, FaultKind][]) => faults.map(([nonce, kind]) => ({ nonce, kind }))

const head =
  (change: (head: Head) => Partial<Head>): Spoil =>
  ({ log }, process) => {
    const standing = log.held.heads.get(process)
    if (standing) log.held.heads.set(process, { ...standing, ...change(standing) })
  }
const record =
  (nonce: number, change: (record: LogRecord) => Partial<LogRecord> | Promise<Partial<LogRecord>>): Spoil =>
  async (world, process) =>
    world.change(process, nonce, await change(world.record(process, nonce)))
const lookup =
  (idOf: (world: AuditWorld, process: string) => string, change: (finding: Finding) => Finding | undefined): Spoil =>
  (world, process) => {
    const id = idOf(world, process)
    const places = world.log.held.findings.get(id) ?? []
    world.log.held.findings.set(
      id,
      places.flatMap((place) => change(place) ?? []),
    )
  }
/** The assignment signed anew, with some tags that say something else, or none. */
const resigned = async (assignment: Buffer | undefined, changed: Record<string, string | undefined>) => {
  const { tags, anchor } = parseDataItem(assignment ?? Buffer.alloc(0))
  const others = tags.flatMap(({ name, value }) => {
    const said = name in changed ? changed[name] : value
    return said === undefined ? [] : [{ name, value: said }]
  })
  return (await wallet.sign({ tags: others, anchor })).raw
}
const message = async (target: string, data = 'another') => {
  const { id, raw } = await alice.sign({ target: Buffer.from(target, 'base64url'), tags: [], data: Buffer.from(data) })
  return { id, raw }
}
const blobOf = (record: LogRecord) => {
  if (!record.item || !('blob' in record.item)) throw new Error('no blob')
  return record.item.blob
}
/** What a changed assignment drags along: its own row is gone with its id, and what follows is chained to the one before. */
const other = (nonce: number): [number, FaultKind][] => [
  [nonce, 'lookup'],
  [nonce, 'lookup'],
  [nonce + 1, 'hash-chain'],
]

const damage: [string, Spoil, { nonce: number; kind: FaultKind }[]][] = [
  // Heads.
  ['a head that goes too far', head(({ next }) => ({ next: next + 1 })), found([7, 'missing'])],
  [
    'a head that falls behind',
    head(({ next }) => ({ next: next - 1 })),
    found([5, 'head'], [5, 'head'], [5, 'head'], [6, 'beyond']),
  ],
  ['a head with another assignment', head(() => ({ lastAssignment: randomBytes(32) })), found([6, 'head'])],
  ['a head without an assignment', head(() => ({ lastAssignment: undefined as never })), found([6, 'head'])],
  ['a head with another chain', head(() => ({ hashChain: randomBytes(32) })), found([6, 'head'])],
  ['a head that is too early', head(({ timestamp }) => ({ timestamp: timestamp - 1 })), found([6, 'head'])],
  ['a head that is too late', head(({ timestamp }) => ({ timestamp: timestamp + 1 })), found([6, 'head'])],
  ['a head without a time', head(() => ({ timestamp: undefined as never })), found([6, 'head'])],
  ['a head that is too low', head(() => ({ blockHeight: 1 })), found([6, 'head'])],
  ['a head that is too high', head(() => ({ blockHeight: 9_999_999 })), found([6, 'head'])],
  ['a head in another epoch', head(() => ({ epoch: 1 })), found([6, 'head'])],
  ['a head with another settlement depth', head(() => ({ settlementDepth: 1 })), found([0, 'head'])],
  ['a head of no state', head(() => ({ state: 'melted' as never })), found([6, 'head'])],
  ['a head that begins before the beginning', head(() => ({ firstNonce: -1 })), found([-1, 'missing'], [0, 'record'])],
  // Records as a whole.
  ['a lost record', ({ log }, process) => log.lose(process, 3), found([3, 'missing'])],
  ['a lost first record', ({ log }, process) => log.lose(process, 0), found([0, 'missing'])],
  ['a lost last record', ({ log }, process) => log.lose(process, 6), found([6, 'missing'])],
  [
    'two lost records',
    ({ log }, process) => {
      log.lose(process, 2)
      log.lose(process, 5)
    },
    found([2, 'missing'], [5, 'missing']),
  ],
  [
    'a record that cannot be read',
    ({ inspection }, process) => {
      inspection.unreadable.add(`${process}/4`)
    },
    found([4, 'unreadable']),
  ],
  [
    'a record beyond the head',
    ({ log }, process) => {
      log.held.records.set(`${process}/7`, {
        ...(log.held.records.get(`${process}/6`) ?? expect.unreachable()),
        nonce: 7,
      })
    },
    found([7, 'beyond']),
  ],
  [
    'a record of another process',
    async (world, process) => {
      const elsewhere = await world.process()
      const { timestamp, timeKey } = world.record(process, 5)
      world.change(process, 5, { ...world.record(elsewhere, 5), timestamp, timeKey })
    },
    found(
      [5, 'missing'],
      [5, 'item'],
      [5, 'assignment'],
      [5, 'assignment'],
      [5, 'hash-chain'],
      [5, 'lookup'],
      [5, 'lookup'],
      [6, 'hash-chain'],
    ),
  ],
  // A record's own fields.
  ['a transaction that is none', record(1, () => ({ kind: 'transaction' })), found([1, 'record'], [1, 'lookup'])],
  ['a message that is none', record(4, () => ({ kind: 'message' })), found([4, 'item'], [4, 'lookup'])],
  ['a second process', record(5, () => ({ kind: 'process' })), found([5, 'record'], [5, 'record'], [5, 'assignment'])],
  ['a kind that is none', record(5, () => ({ kind: 'Message' as never })), found([5, 'record'], [5, 'lookup'])],
  [
    'a process that is a message',
    record(0, () => ({ kind: 'message' })),
    found([0, 'record'], [0, 'item'], [0, 'assignment'], [0, 'lookup']),
  ],
  [
    'another time',
    record(5, ({ timestamp }) => ({ timestamp: timestamp - 1 })),
    found([5, 'assignment'], [5, 'time'], [5, 'lookup'], [5, 'lookup']),
  ],
  ['a time key that is too small', record(5, ({ timeKey }) => ({ timeKey: timeKey - 1 })), found([5, 'time'])],
  [
    'a time key that is too great',
    record(5, ({ timeKey }) => ({ timeKey: timeKey + 1e6 })),
    found([5, 'time'], [6, 'time']),
  ],
  ['another height', record(5, () => ({ blockHeight: 2_000_000 })), found([5, 'assignment'], [6, 'height'])],
  [
    'another id',
    record(5, () => ({ id: randomBytes(32).toString('base64url') })),
    found([5, 'item'], [5, 'assignment'], [5, 'lookup']),
  ],
  [
    'another transaction',
    record(4, () => ({ id: randomBytes(32).toString('base64url') })),
    found([4, 'assignment'], [4, 'lookup']),
  ],
  // Items.
  ['no item', record(5, () => ({ item: undefined as never })), found([5, 'item'])],
  [
    'an item at a transaction',
    record(4, async ({ process, id }) => ({ item: { ...(await message(process)), id } })),
    found([4, 'record']),
  ],
  [
    'another item under its name',
    record(5, async ({ process, id }) => ({ item: { ...(await message(process)), id } })),
    found([5, 'item']),
  ],
  [
    'an item with other data',
    record(1, ({ item }) => ({
      item: item && 'raw' in item ? { ...item, raw: flipped(item.raw, -1) } : expect.unreachable(),
    })),
    found([1, 'item-signature']),
  ],
  [
    'an item with another signature',
    record(1, ({ item }) => ({
      item: item && 'raw' in item ? { ...item, raw: flipped(item.raw, SIGNATURE) } : expect.unreachable(),
    })),
    found([1, 'item'], [1, 'item-signature']),
  ],
  ['an item that is none', record(1, ({ id }) => ({ item: { id, raw: Buffer.from('nonsense') } })), found([1, 'item'])],
  [
    'an item of a signature type that nobody verifies',
    record(1, ({ id }) => ({ item: { id, raw: Buffer.concat([Buffer.from([5, 0]), Buffer.alloc(200)]) } })),
    found([1, 'item'], [1, 'item-signature']),
  ],
  [
    'a message to another process, signed and all',
    record(5, async (standing) => {
      const item = await message(randomBytes(32).toString('base64url'))
      return { id: item.id, item, assignment: await resigned(standing.assignment, { Message: item.id }) }
    }),
    found([5, 'item'], ...other(5)),
  ],
  // Bodies.
  [
    'a lost body',
    (world, process) => world.blobs.lose(blobOf(world.record(process, 3))),
    found([3, 'missing'], [3, 'item']),
  ],
  [
    'an altered body',
    (world, process) => world.blobs.spoil(blobOf(world.record(process, 3))),
    found([3, 'unreadable'], [3, 'item']),
  ],
  [
    'another rendered length',
    record(3, ({ item }) => ({ item: item && 'blob' in item ? { ...item, renderedBytes: 1 } : expect.unreachable() })),
    found([3, 'item']),
  ],
  [
    'another length',
    record(3, ({ item }) => ({
      item: item && 'blob' in item ? { ...item, blob: { ...item.blob, bytes: 1 } } : expect.unreachable(),
    })),
    found([3, 'item']),
  ],
  [
    'another digest',
    record(3, ({ item }) => ({
      item:
        item && 'blob' in item ? { ...item, blob: { ...item.blob, sha256: randomBytes(32) } } : expect.unreachable(),
    })),
    found([3, 'missing'], [3, 'item']),
  ],
  // Assignments.
  ['no assignment', record(5, () => ({ assignment: undefined as never })), found([5, 'assignment'])],
  ['an assignment that is none', record(5, () => ({ assignment: Buffer.from('nonsense') })), found([5, 'assignment'])],
  [
    'an assignment with another anchor',
    // Behind type, signature, owner and the absent target: a presence byte, then the anchor.
    record(5, ({ assignment }) => ({ assignment: flipped(assignment, 2 + 512 + 512 + 1 + 1) })),
    found([5, 'assignment-signature']),
  ],
  [
    'an assignment with another signature',
    record(5, ({ assignment }) => ({ assignment: flipped(assignment, SIGNATURE) })),
    found([5, 'assignment-signature'], ...other(5)),
  ],
  [
    'an assignment by another wallet',
    record(5, async ({ assignment }) => {
      const { tags, anchor } = parseDataItem(assignment ?? Buffer.alloc(0))
      return { assignment: (await alice.sign({ tags, anchor })).raw }
    }),
    found([5, 'wallet'], ...other(5)),
  ],
  ...['Nonce', 'Timestamp', 'Block-Height', 'Process', 'Message'].flatMap((name): typeof damage =>
    [undefined, '12'].map((value) => [
      `an assignment that says ${value} for ${name}`,
      record(5, async ({ assignment }) => ({ assignment: await resigned(assignment, { [name]: value }) })),
      found([5, 'assignment'], ...other(5)),
    ]),
  ),
  [
    'an assignment that is chained to nothing',
    record(5, async ({ assignment }) => ({ assignment: await resigned(assignment, { 'Hash-Chain': undefined }) })),
    found([5, 'hash-chain'], ...other(5)),
  ],
  [
    'an assignment that is chained to another one',
    record(5, async ({ assignment }) => ({
      assignment: await resigned(assignment, { 'Hash-Chain': randomBytes(32).toString('base64url') }),
    })),
    found([5, 'hash-chain'], ...other(5)),
  ],
  [
    'a last assignment of another epoch',
    record(6, async ({ assignment }) => ({ assignment: await resigned(assignment, { Epoch: '3' }) })),
    found([6, 'head'], [6, 'head'], [6, 'lookup'], [6, 'lookup']),
  ],
  // What it is found by.
  [
    'a lost row of an assignment',
    lookup(
      (world, process) => world.assignmentId(process, 5),
      () => undefined,
    ),
    found([5, 'lookup']),
  ],
  [
    'a lost row of the first assignment',
    lookup(
      (world, process) => world.assignmentId(process, 0),
      () => undefined,
    ),
    found([0, 'lookup']),
  ],
  [
    'a lost row of a message',
    lookup(
      (world, process) => world.record(process, 1).id,
      () => undefined,
    ),
    found([1, 'lookup']),
  ],
  [
    'a lost row of a transaction',
    lookup(
      (world, process) => world.record(process, 4).id,
      () => undefined,
    ),
    found([4, 'lookup']),
  ],
  ...(['nonce', 'timestamp', 'assignment'] as const).map((field): (typeof damage)[number] => [
    `a row of a message with another ${field}`,
    lookup(
      (world, process) => world.record(process, 1).id,
      (finding) => ({ ...finding, place: { ...finding.place, [field]: field === 'assignment' ? 'x' : 3 } }),
    ),
    found([1, 'lookup']),
  ]),
  [
    'a row of a message in another process',
    lookup(
      (world, process) => world.record(process, 1).id,
      (finding) => ({ ...finding, process: 'x' }),
    ),
    found([1, 'lookup']),
  ],
  [
    'a row of a message as if it were assigned',
    lookup(
      (world, process) => world.record(process, 1).id,
      (finding) => ({ ...finding, kind: 'assigned' }),
    ),
    found([1, 'lookup']),
  ],
  ['a lost deep hash', ({ log }) => log.held.deepHashes.clear(), found([2, 'lookup'])],
  [
    'a deep hash of a later place',
    ({ log }) => {
      for (const [key, place] of log.held.deepHashes) log.held.deepHashes.set(key, { ...place, nonce: 5 })
    },
    found([2, 'lookup']),
  ],
  // Watermarks.
  [
    'uploads that count as done',
    async ({ relay }, process) => void (await relay.advance(process, { upload: { from: undefined, to: 9 } })),
    found([7, 'watermark']),
  ],
  [
    'metadata that count as done',
    async ({ relay }, process) => void (await relay.advance(process, { metadata: { from: undefined, to: 8 } })),
    found([7, 'watermark']),
  ],
]

describe('damage', () => {
  it.each(damage)('%s is found, and nothing else', async (_, spoil, expected) => {
    const world = new AuditWorld()
    const process = await world.process()
    await spoil(world, process)
    const { faults } = await world.verify(process)
    const inOrder = (list: { nonce: number; kind: string }[]) =>
      list.map(({ nonce, kind }) => `${nonce} ${kind}`).toSorted()
    expect(inOrder(faults)).toEqual(inOrder(expected))
  })

  it('is found wherever it is taken up', async () => {
    const world = new AuditWorld()
    const process = await world.process({ more: 100 })
    world.log.lose(process, 63)
    world.change(process, 80, { blockHeight: 9 })
    for (const from of [0, 63, 64, 65, 80, 81]) {
      const { faults } = await world.verify(process, { from })
      const nonces = [63, 80, 80].filter((nonce) => nonce >= from)
      expect({ from, nonces: faults.map(({ nonce }) => nonce) }).toEqual({ from, nonces })
    }
  })

  it('an item that is scheduled twice is found', async () => {
    const world = new AuditWorld()
    const process = await world.process()
    const again = world.record(process, 1)
    const { assignment } = world.record(process, 6)
    const signed = await resigned(assignment, { Message: again.id })
    world.change(process, 6, { id: again.id, assignment: signed, ...(again.item && { item: again.item }) })
    const { faults } = await world.verify(process)
    expect(faults).toContainEqual({ nonce: 6, kind: 'lookup', what: 'is found at nonce 1 by its message' })
  })
})

describe('a history that another unit made', () => {
  /** In the oldest shape, with times that repeat and fall, by another wallet. */
  async function migrated(world: AuditWorld): Promise<string> {
    const { id: process, raw } = await alice.sign({ tags: [], data: Buffer.from('old') })
    const item = { id: process, raw }
    const first = {
      process,
      nonce: -1,
      kind: 'process',
      id: process,
      item,
      timestamp: 50,
      timeKey: 50,
      blockHeight: 7,
    } as const
    const records: LogRecord[] = [first]
    const ids = new Map<number, string>()
    let last: { hashChain: Buffer; lastAssignment: Buffer } | undefined
    for (const [nonce, timestamp] of [90, 40, 90].entries()) {
      const inner = await message(process, `${nonce}`)
      const hashChain = nextHashChain({ process, ...last })
      const tags = Object.entries({
        Epoch: '0',
        Nonce: String(nonce),
        'Hash-Chain': hashChain.toString('base64url'),
        'Block-Height': String(9 - nonce).padStart(12, '0'),
        Timestamp: String(timestamp),
      }).map(([name, value]) => ({ name, value }))
      const outer = await alice.sign({ tags, data: encodeBundle([parseDataItem(inner.raw)]) })
      last = { hashChain, lastAssignment: Buffer.from(outer.id, 'base64url') }
      ids.set(nonce, outer.id)
      const place = { timestamp, timeKey: 90, blockHeight: 9 - nonce }
      records.push({ process, nonce, kind: 'message', id: inner.id, item: inner, assignment: outer.raw, ...place })
    }
    const end = {
      state: 'open',
      next: 3,
      timestamp: 90,
      blockHeight: 9,
      epoch: 4,
      firstNonce: -1,
      settlementDepth: 9,
    } as const
    world.log.restore({ process, ...end, ...last }, records, ids)
    world.look(process)
    return process
  }

  it('is sound where such a one is expected, and only there', async () => {
    const world = new AuditWorld()
    const process = await migrated(world)
    expect(await world.verify(process, { history: 'any' })).toMatchObject({ faults: [], records: 4 })
    const { faults } = await world.verify(process)
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(['wallet', 'assignment', 'time', 'height', 'head']))
  })

  it('must be signed and chained all the same', async () => {
    const world = new AuditWorld()
    const process = await migrated(world)
    world.change(process, 1, { assignment: flipped(world.record(process, 1).assignment, -1) })
    expect((await world.verify(process, { history: 'any' })).faults).toMatchObject(found([1, 'assignment-signature']))
  })
})

describe('uploads', () => {
  it('are looked for as far as the relay has come', async () => {
    const world = new AuditWorld()
    const process = await world.process()
    await world.relay.advance(process, { upload: { from: undefined, to: 5 } })
    const hold = (id: string) =>
      world.gateway.hold({ id, tags: [], recipient: Buffer.alloc(0), anchor: Buffer.alloc(0), data: Buffer.alloc(0) })
    for (const nonce of [0, 1, 2, 3, 4]) {
      hold(world.assignmentId(process, nonce))
      if (nonce !== 2) hold(world.record(process, nonce).id)
    }
    const { gateway } = world
    const lost = `has the item ${world.record(process, 2).id}, which is not at the gateway`
    const missing = [{ nonce: 2, kind: 'upload', what: lost }]
    expect(await world.verify(process, {}, { gateway })).toMatchObject({ faults: missing, pending: 2 })
    await world.relay.advance(process, { upload: { from: 5, to: 6 } })
    const { faults, pending } = await world.verify(process, {}, { gateway })
    expect(faults).toMatchObject(found([2, 'upload'], [5, 'upload'], [5, 'upload']))
    expect(pending).toBe(1)
    expect((await world.verify(process)).faults).toEqual([])
  })

  it('that a gateway never gives are noted, and the others are verified', async () => {
    const world = new AuditWorld()
    const process = await world.process()
    await world.relay.advance(process, { upload: { from: undefined, to: 6 } })
    const withheld = world.record(process, 2).id
    const gateway = {
      async exists(id: string) {
        if (id === withheld) throw new SchedulerError('unreadable', 'The gateway withholds it with status 451')
        return id !== world.record(process, 5).id
      },
    }
    const { faults, records } = await world.verify(process, {}, { gateway })
    expect(records).toBe(7)
    expect(faults).toMatchObject([
      {
        nonce: 2,
        kind: 'upload',
        what: expect.stringContaining('which cannot be looked for: The gateway withholds it'),
      },
      { nonce: 5, kind: 'upload', what: expect.stringContaining('which is not at the gateway') },
    ])
  })
})

describe('an outage', () => {
  it.each(['inspection', 'blobs', 'log', 'imports', 'relay', 'gateway'] as const)(
    'of %s is no damage, and what was verified before it stands',
    async (part) => {
      const world = new AuditWorld()
      const process = await world.process({ more: 200 })
      await world.relay.advance(process, { upload: { from: undefined, to: 1 } })
      const away = {
        before() {
          throw new Error('away')
        },
      }
      world[part].faults = away
      const { gateway } = world
      await expect(world.verify(process, {}, { gateway })).rejects.toMatchObject({ code: 'unavailable' })
    },
  )
})
