/** Bringing a Rust unit's processes in: everything it has, exactly as it was, and nothing twice. */
import { createHash } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../../core/ans104/base64url.ts'
import type { MigrationOrder } from '../../../core/migration/order.ts'
import { ao, type OldUnit, THEN } from './old-unit.ts'
import { clientSigner, createOldUnit, otherSigner, Stack, sourceOf } from './world.ts'

const transaction = createHash('sha256').update('a transaction').digest('base64url')

/** Processes in every shape that a unit ever stored. */
interface History {
  old: OldUnit
  /** From before process assignments, goes on with later messages. */
  before: string
  /** Such a one without messages. */
  bare: string
  /** As units make them now. */
  current: string
  /** Such a one without messages. */
  empty: string
  /** Messages of the oldest shape, times that repeat and fall, then current ones. */
  oldest: string
  pushed: Buffer
}

async function createHistory(): Promise<History> {
  const old = createOldUnit()
  const before = await old.spawn({ assigned: false })
  const bare = await old.spawn({ assigned: false })
  const current = await old.spawn()
  const empty = await old.spawn()
  const oldest = await old.spawn({ assigned: false, timestamp: THEN })
  for (let i = 0; i < 3; i++) await old.post(before, { data: `${i}` })
  const pushed = await clientSigner.sign({
    target: idBytes(current),
    tags: [...ao('Message', { 'From-Process': before }), { name: 'Pushed-For', value: 'x' }],
    data: Buffer.from('pushed'),
  })
  await old.post(current, { data: 'one' })
  await old.schedule(current, pushed)
  await old.assignTransaction(current, transaction, { exclude: ['Data'] })
  await old.post(current, { data: Buffer.alloc(30_000, 'x') })
  for (const [i, timestamp] of [1, 2, 2, 5, 3, 4, 4].entries()) {
    await old.post(oldest, { data: `${i}`, timestamp: THEN + timestamp, oldest: true })
  }
  for (let i = 0; i < 2; i++) await old.post(oldest, { timestamp: THEN + 10_000 + i })
  return { old, before, bare, current, empty, oldest, pushed: pushed.raw }
}

let history: History
let stack: Stack
beforeAll(async () => {
  history = await createHistory()
})
beforeEach(() => {
  stack = new Stack()
  stack.unit.gateway.hold({
    id: transaction,
    tags: ao('Message', { Action: 'Assigned' }),
    recipient: Buffer.alloc(0),
    anchor: Buffer.alloc(0),
    data: Buffer.from('data'),
  })
})

const all = () => [history.before, history.bare, history.current, history.empty, history.oldest]
const tag = (tags: { name: string; value: string }[], name: string) => tags.find((one) => one.name === name)?.value

describe('everything', () => {
  it('is brought in, opened, and said to be', async () => {
    const brought = await stack.bring(sourceOf(history.old))
    expect(brought).toMatchObject({ done: true, outcomes: { open: 5 }, faults: 0, notices: 0, processes: 5 })
    expect(brought.copied).toBe(history.old.processes.length + history.old.messages.length)
    for (const process of all()) {
      const messages = history.old.messages.filter((row) => row.process === process)
      const { edges } = await stack.page(process)
      const nodes = edges.map(({ node }) => node).slice(edges.length - messages.length)
      expect(nodes.map(({ assignment }) => tag(assignment.tags, 'Nonce'))).toEqual(
        messages.map(({ nonce }) => String(nonce)),
      )
      expect(nodes.map(({ message, assignment }) => message?.id ?? tag(assignment.tags, 'Message'))).toEqual(
        messages.map(({ message }) => message),
      )
    }
  })

  it('is so also where an assignment carries more than a row of DynamoDB holds', async () => {
    const old = createOldUnit()
    const process = await old.spawn({ assigned: false })
    await old.post(process, { oldest: true, data: Buffer.alloc(1_000_000, 'x') })
    await old.post(process, { oldest: true })
    await old.post(process)
    expect(await stack.bring(sourceOf(old))).toMatchObject({ done: true, outcomes: { open: 1 }, faults: 0, copied: 4 })
    const records = await stack.unit.store.records(process, 0, 1)
    expect(
      records.map(({ assignment }, nonce) => assignment?.equals(old.messages[nonce]?.bundle ?? assignment.subarray(1))),
    ).toEqual([true, true])
    const { edges } = await stack.page(process)
    expect(edges.map(({ node }) => node.message?.id)).toEqual(old.messages.map(({ message }) => message))
    // Again: it is all there.
    expect(await stack.bring(sourceOf(old))).toMatchObject({ outcomes: { open: 1 }, faults: 0, copied: 0 })
  })

  it('keeps times as they were, and pages by the greatest up to each', async () => {
    await stack.bring(sourceOf(history.old))
    const { edges } = await stack.page(history.oldest, { by: 'timestamp' })
    expect(edges.map(({ cursor }) => Number(cursor) - THEN)).toEqual([1, 2, 2, 5, 5, 5, 5, 10_000, 10_001])
    expect(edges.map(({ node }) => Number(tag(node.assignment.tags, 'Timestamp')) - THEN)).toEqual([
      1, 2, 2, 5, 3, 4, 4, 10_000, 10_001,
    ])
  })

  it('goes on: the next message has the next nonce on the old chain', async () => {
    await stack.bring(sourceOf(history.old))
    for (const process of all()) {
      const next = history.old.nextNonce(process)
      const { raw } = await clientSigner.sign({
        target: idBytes(process),
        tags: ao('Message'),
        data: Buffer.from('next'),
      })
      await stack.post(raw)
      const { edges } = await stack.page(process)
      expect(tag(edges.at(-1)?.node.assignment.tags ?? [], 'Nonce')).toBe(String(next))
      const [, last] = [...edges].reverse()
      const chain = tag(last?.node.assignment.tags ?? [], 'Hash-Chain')
      const expected = last
        ? createHash('sha256').update(
            Buffer.concat([idBytes(last.node.assignment.id), Buffer.from(chain ?? '', 'base64url')]),
          )
        : createHash('sha256').update(idBytes(process))
      expect(tag(edges.at(-1)?.node.assignment.tags ?? [], 'Hash-Chain')).toBe(expected.digest('base64url'))
    }
  })

  it('is refused a second time', async () => {
    await stack.bring(sourceOf(history.old))
    await expect(stack.post(history.pushed)).rejects.toMatchObject({ code: 'already-scheduled' })
    // The same words of the same process, signed anew.
    const twin = await clientSigner.sign({
      target: idBytes(history.current),
      tags: ao('Message', { 'From-Process': history.before }),
      data: Buffer.from('pushed'),
    })
    await expect(stack.post(twin.raw)).rejects.toMatchObject({ code: 'deep-hash-known' })
    const { deepHashes, findings } = stack.held
    expect([...deepHashes.values()].map(({ nonce }) => nonce).sort()).toEqual([2, 3])
    expect(findings.get(transaction)).toMatchObject([
      { process: history.current, kind: 'assigned', place: { nonce: 3 } },
    ])
  })

  it('changes nothing when it is done again', async () => {
    await stack.bring(sourceOf(history.old))
    const { held } = stack
    const writes: string[] = []
    stack.imports.faults = { before: ({ name }) => void writes.push(name) }
    const again = await stack.bring(sourceOf(history.old))
    expect(again).toMatchObject({ done: true, outcomes: { open: 5 }, faults: 0, copied: 0 })
    expect(again.there).toBe(history.old.processes.length + history.old.messages.length)
    expect(stack.held).toEqual(held)
    expect(new Set(writes)).toEqual(new Set(['held']))
  })

  it('is not uploaded again', async () => {
    await stack.bring(sourceOf(history.old))
    for (const process of all()) {
      expect((await stack.relay.progress(process))?.done.upload).toBe(history.old.nextNonce(process))
    }
  })

  it('is uploaded again from a time on, if that is wanted', async () => {
    await stack.bring(sourceOf(history.old), { reuploadSince: THEN + 4 })
    // The greatest time up to nonce 3 is THEN + 5.
    expect((await stack.relay.progress(history.oldest))?.done.upload).toBe(3)
    expect((await stack.relay.progress(history.bare))?.done.upload).toBe(0)
  })

  it('is not taken for uploaded where the relay is still behind: what it has to do stays to be done', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    for (let i = 0; i < 3; i++) await old.post(process, { data: `${i}` })
    await stack.bring(sourceOf(old), { ending: 'frozen', reuploadSince: 0 })
    const done = async () => (await stack.relay.progress(process))?.done.upload
    expect(await done()).toBe(0)
    // The relay comes as far as this, and the rest is brought without any wish to upload it.
    await stack.relay.advance(process, { upload: { from: 0, to: 2 } })
    for (let i = 0; i < 3; i++) await old.post(process, { data: `later ${i}` })
    expect(await stack.bring(sourceOf(old), { ending: 'frozen' })).toMatchObject({ copied: 3, faults: 0 })
    expect(await done()).toBe(2)
    expect(await stack.bring(sourceOf(old))).toMatchObject({ outcomes: { open: 1 } })
    expect(await done()).toBe(2)
  })

  it('says which transactions the gateway does not know', async () => {
    const unknowing = new Stack()
    const brought = await unknowing.bring(sourceOf(history.old))
    expect(brought).toMatchObject({ done: true, outcomes: { open: 5 }, faults: 0, notices: 1 })
    expect(brought.reports.get(history.current)?.notices).toEqual([
      { nonce: 3, what: `is the transaction ${transaction}, known by its id only: the gateway does not know it` },
    ])
  })
})

describe('what is only looked at', () => {
  it('is sound, and nothing is written', async () => {
    const { held } = stack
    const brought = await stack.bring(sourceOf(history.old), { auditOnly: true })
    expect(brought).toMatchObject({ done: true, outcomes: { sound: 5 }, faults: 0, copied: 0 })
    expect(stack.held).toEqual(held)
    expect(stack.unit.blobs.size).toBe(0)
  })
})

describe('ranges of rows', () => {
  const rows = (from: number, to?: number): Partial<MigrationOrder> => ({ rows: { from, to } })
  const ranges = [rows(0, 3), rows(3, 9), rows(10, 14), rows(15)]

  it.each([
    ['in their order', [0, 1, 2, 3]],
    ['in another one', [3, 1, 0, 2]],
    ['the open one first', [3, 2, 1, 0]],
  ])('may be brought one after the other, %s', async (_, order) => {
    for (const [index, range] of order.entries()) {
      const brought = await stack.bring(sourceOf(history.old), ranges[range])
      expect(brought).toMatchObject({ done: true, faults: 0 })
      const states = all().map((process) => stack.head(process)?.state)
      expect(states.every((state) => state === 'open')).toBe(index === order.length - 1)
      if (range === 3 && index === 0) {
        // Those without messages come with the range that has no end.
        expect([stack.head(history.bare)?.state, stack.head(history.empty)?.state]).toEqual(['open', 'open'])
      }
    }
    const whole = new Stack()
    await whole.bring(sourceOf(history.old))
    expect({ ...stack.held, deepHashes: undefined }).toEqual({ ...whole.held, deepHashes: undefined })
  })

  it('may be brought side by side', async () => {
    const brought = await Promise.all(ranges.map((range) => stack.bring(sourceOf(history.old), range)))
    expect(brought.every(({ done, faults }) => done && faults === 0)).toBe(true)
    expect(all().map((process) => stack.head(process)?.state)).toEqual(Array(5).fill('open'))
  })

  it('accept nothing until all is there', async () => {
    await stack.bring(sourceOf(history.old), rows(0, 1))
    expect(stack.head(history.before)?.state).toBe('incomplete')
    const { raw } = await clientSigner.sign({ target: idBytes(history.before), tags: ao('Message') })
    await expect(stack.post(raw)).rejects.toMatchObject({ code: 'incomplete' })
  })

  it('bring nothing that has no message in them', async () => {
    const brought = await stack.bring(sourceOf(history.old), rows(1, 2))
    expect([...brought.reports.keys()]).toEqual([history.before])
  })
})

describe('the end of it', () => {
  it('may be that the old unit goes on: what came is read here, and the rest is brought later', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    await old.post(process)
    expect(await stack.bring(sourceOf(old), { ending: 'frozen' })).toMatchObject({ outcomes: { frozen: 1 }, faults: 0 })
    expect((await stack.page(process)).edges).toHaveLength(2)
    const { raw } = await clientSigner.sign({ target: idBytes(process), tags: ao('Message') })
    await expect(stack.post(raw)).rejects.toMatchObject({ code: 'frozen' })

    for (let i = 0; i < 3; i++) await old.post(process, { data: `${i}` })
    const rest = await stack.bring(sourceOf(old), { ending: 'frozen' })
    expect(rest).toMatchObject({ outcomes: { frozen: 1 }, copied: 3, there: 2, faults: 0 })
    expect(await stack.bring(sourceOf(old))).toMatchObject({ outcomes: { open: 1 }, copied: 0, there: 5, faults: 0 })
    await stack.post(raw)
    expect(stack.head(process)?.next).toBe(6)
  })

  it('may be the history alone, of another wallet, which keeps its owner', async () => {
    const old = createOldUnit(otherSigner)
    const process = await old.spawn()
    await old.post(process)
    const refused = await stack.bring(sourceOf(old))
    expect(refused).toMatchObject({ outcomes: { 'left-out': 1 } })
    expect(refused.named(process)).toEqual(['1 wallet'])
    expect(stack.head(process)).toBeUndefined()

    const brought = await stack.bring(sourceOf(old), { ending: 'history' })
    expect(brought).toMatchObject({ outcomes: { history: 1 }, faults: 0 })
    const { edges } = await stack.page(process)
    expect(edges).toHaveLength(2)
    expect(edges.map(({ node }) => node.assignment)).toMatchObject([
      { owner: { address: otherSigner.address } },
      { owner: { address: otherSigner.address } },
    ])
    const { raw } = await clientSigner.sign({ target: idBytes(process), tags: ao('Message') })
    await expect(stack.post(raw)).rejects.toMatchObject({ code: 'frozen' })
    expect(await stack.bring(sourceOf(old), { ending: 'history' })).toMatchObject({
      outcomes: { history: 1 },
      faults: 0,
    })
    expect((await stack.bring(sourceOf(old))).named(process)).toContain('2 occupied')
  })

  it('takes the placement where there are several units, and opens nothing that another one has', async () => {
    const url = 'https://su-1.example'
    const placements = { store: stack.placements, url }
    const old = createOldUnit()
    const [mine, theirs] = [await old.spawn(), await old.spawn()]
    await stack.placements.place({
      process: theirs,
      unit: 'https://su-2.example',
      state: 'settled',
      refusedBy: [],
      version: 1,
      at: 0,
    })
    const brought = await stack.bring(sourceOf(old), {}, { placements })
    expect(brought).toMatchObject({ outcomes: { open: 1, frozen: 1 } })
    expect(brought.named(theirs)).toEqual(['0 placed'])
    expect(await stack.placements.read(mine)).toMatchObject({ unit: url, state: 'settled' })
    expect(stack.head(theirs)?.state).toBe('frozen')
  })

  it('says that the old unit went on after the process was opened here', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    await stack.bring(sourceOf(old))
    await old.post(process)
    const again = await stack.bring(sourceOf(old))
    expect(again).toMatchObject({ outcomes: { open: 1 } })
    expect(again.named(process)).toEqual(['1 went-on'])
    expect(stack.head(process)?.next).toBe(1)
  })

  it('never writes over what was scheduled here, also where the process was frozen since', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    await stack.bring(sourceOf(old))
    await stack.post((await clientSigner.sign({ target: idBytes(process), tags: ao('Message') })).raw)
    await stack.unit.store.setState(process, 'open', 'frozen')
    const { held } = stack
    expect((await stack.bring(sourceOf(old))).named(process)).toEqual(['2 occupied'])
    // And the old one went on, too.
    await old.post(process)
    await old.post(process)
    expect((await stack.bring(sourceOf(old))).named(process)).toEqual(['1 occupied'])
    expect(stack.held).toEqual(held)
  })

  it('does not open what still comes', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    const source = sourceOf(old)
    source.faults = {
      async before({ name }) {
        if (name !== 'extent') return
        await old.post(process)
        source.messageRows.splice(0, Number.POSITIVE_INFINITY, ...old.messages)
      },
    }
    const brought = await stack.bring(source)
    expect(brought.reports.get(process)).toMatchObject({ outcome: 'frozen', faults: [{ kind: 'went-on' }] })
    expect(stack.head(process)?.state).toBe('frozen')
    source.faults = {}
    expect(await stack.bring(source)).toMatchObject({ outcomes: { open: 1 }, faults: 0 })
  })
})

it('is refused what is no process of the source', async () => {
  const missing = createHash('sha256').update('nowhere').digest('base64url')
  const brought = await stack.bring(sourceOf(history.old), { processes: [missing, history.empty] })
  expect(brought).toMatchObject({ processes: 2, outcomes: { open: 1, 'left-out': 1 } })
  expect(brought.named(missing)).toEqual(['0 process'])
})

describe('what comes while a process is brought in', () => {
  it('is audited before it is written', async () => {
    const old = createOldUnit()
    const process = await old.spawn()
    await old.post(process)
    const source = sourceOf(old)
    await old.post(process)
    const [, late] = old.messages
    let copying = 0
    source.faults = {
      // After the audit, when the rows are asked for again.
      before({ name }) {
        if (name !== 'messages' || ++copying !== 2 || !late) return
        const bundle = Buffer.from(late.bundle)
        bundle.writeUInt8(bundle.readUInt8(10) ^ 1, 10)
        source.messageRows.push({ ...late, bundle })
      },
    }
    const brought = await stack.bring(source)
    expect(brought).toMatchObject({ outcomes: { 'left-out': 1 } })
    expect(brought.named(process)).toEqual(['2 bundle-signature'])
    expect(stack.head(process)?.state).toBe('incomplete')
  })
})

it('a cut-over looks at nothing again that its first pass has looked at', async () => {
  const old = createOldUnit()
  const process = await old.spawn()
  for (let i = 0; i < 30; i++) await old.post(process, { data: `${i}` })
  await stack.bring(sourceOf(old), { ending: 'frozen' })
  await old.post(process)
  const source = sourceOf(old)
  const asked: unknown[] = []
  source.faults = { before: ({ name, args }) => void (name === 'messages' && asked.push(args[2])) }
  const rest = await stack.bring(source, { restOnly: true })
  expect(rest).toMatchObject({ outcomes: { open: 1 }, copied: 1, there: 0, faults: 0 })
  expect(Math.min(...asked.map(Number))).toBe(31)
  expect((await stack.page(process)).edges).toHaveLength(32)
})
