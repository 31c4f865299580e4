/** Damaged sources: each fault is named by process, nonce and kind, nothing of such a process is brought in, and the others are. */
import { beforeEach, describe, expect, it } from 'vitest'
import { encodeBundle } from '../../../core/ans104/bundle.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { SourceMessage } from '../../../core/ports/migration-source.ts'
import type { FakeMigrationSource } from '../../fakes/migration-source.ts'
import { ao, OldUnit } from './old-unit.ts'
import { clientSigner, createOldUnit, otherSigner, Stack, sourceOf, suSigner } from './world.ts'

let old: OldUnit
let stack: Stack
let source: FakeMigrationSource
let [damaged, sound] = ['', '']

beforeEach(async () => {
  old = createOldUnit()
  damaged = await old.spawn()
  sound = await old.spawn()
  for (let i = 0; i < 4; i++) await old.post(damaged, { data: `${i}` })
  await old.post(sound)
  stack = new Stack()
  source = sourceOf(old)
})

const change = (nonce: number, to: (row: SourceMessage) => Partial<SourceMessage>): void => {
  const at = source.messageRows.findIndex((row) => row.process === damaged && row.nonce === nonce)
  const row = source.messageRows[at] as SourceMessage
  source.messageRows[at] = { ...row, ...to(row) }
}
const remove = (...nonces: number[]): void => {
  const left = source.messageRows.filter((row) => !(row.process === damaged && nonces.includes(row.nonce)))
  source.messageRows.splice(0, Number.POSITIVE_INFINITY, ...left)
}
/** Its bundle made anew of other items, signed by whoever. */
const wrap = async (items: Buffer[], signer = suSigner): Promise<Buffer> =>
  (await signer.sign({ tags: [], data: encodeBundle(items.map((raw) => parseDataItem(raw))) })).raw
const innerOf = ({ bundle }: SourceMessage) => {
  const { data } = parseDataItem(bundle)
  // Number, then length and id of each of the two.
  const first = data.readUInt32LE(32)
  return [data.subarray(160, 160 + first), data.subarray(160 + first)] as const
}
const rowOf = (nonce: number) =>
  source.messageRows.find((row) => row.process === damaged && row.nonce === nonce) as SourceMessage
/** The same bytes with one bit turned. */
const turned = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

const damages: [string, () => unknown, string[]][] = [
  ['a nonce that is missing', () => remove(2), ['2 missing']],
  ['several that are missing', () => remove(1, 2), ['1 missing']],
  ['a nonce that is there twice', () => source.messageRows.push({ ...rowOf(2), row: 99 }), ['2 doubled']],
  ["a message in the process's own place", () => change(1, () => ({ nonce: 0 })), ['0 doubled', '1 missing']],
  ['no process', () => source.processRows.splice(0, 1), ['0 process']],
  [
    'a process whose bundle is none',
    () =>
      (source.processRows[0] = {
        ...(source.processRows[0] as (typeof source.processRows)[0]),
        bundle: Buffer.from('x'),
      }),
    ['0 bundle'],
  ],
  ['bytes that are no bundle', () => change(3, () => ({ bundle: Buffer.from('garbage') })), ['3 bundle']],
  [
    'a bundle that is cut off',
    () => change(3, ({ bundle }) => ({ bundle: bundle.subarray(0, bundle.length - 1) })),
    ['3 bundle'],
  ],
  [
    'a bundle whose signature is wrong',
    () => change(3, ({ bundle }) => ({ bundle: turned(bundle, 10) })),
    ['3 bundle-signature'],
  ],
  ['a nonce of another row', () => change(4, () => ({ nonce: 5 })), ['4 missing', '5 assignment', '5 row']],
  ['a timestamp that was not signed', () => change(3, () => ({ timestamp: 5 })), ['3 row']],
  ['an epoch that was not signed', () => change(3, () => ({ epoch: 5 })), ['3 row']],
  ['a hash chain that was not signed', () => change(3, () => ({ hashChain: 'x' })), ['3 row']],
  ['an id of the message that is none', () => change(3, () => ({ message: sound })), ['3 row']],
  ["an assignment's id that is none", () => change(3, () => ({ assignment: sound })), ['3 row']],
]

describe.each(damages)('%s', (_, damage, faults) => {
  beforeEach(() => {
    damage()
  })

  it('is named, and the process is left out whole', async () => {
    const brought = await stack.bring(source)
    expect(brought.named(damaged)).toEqual(faults)
    expect(brought).toMatchObject({ done: true, outcomes: { 'left-out': 1, open: 1 }, faults: faults.length })
    expect([...stack.held.records.keys()].filter((key) => key.startsWith(damaged))).toEqual([])
    // Nobody spawns it anew.
    expect(stack.head(damaged)).toMatchObject({ state: 'incomplete' })
    expect(stack.head(sound)).toMatchObject({ state: 'open' })
  })

  it('is named by a look alone, which writes nothing', async () => {
    const brought = await stack.bring(source, { auditOnly: true })
    expect(brought.named(damaged)).toEqual(faults)
    expect(brought).toMatchObject({ outcomes: { unsound: 1, sound: 1 } })
    expect(stack.held.heads.size).toBe(0)
  })

  it('is brought in once it is mended', async () => {
    await stack.bring(source)
    expect(await stack.bring(sourceOf(old))).toMatchObject({ outcomes: { open: 2 }, faults: 0 })
  })
})

describe('what was signed', () => {
  it('is found wrong where the chain breaks', async () => {
    // Another message in the place of nonce 2, signed for it, but the next one was chained to the first.
    const forger = new OldUnit(suSigner, clientSigner)
    Object.assign(forger, { logs: new Map([[damaged, { end: { process: damaged }, next: 2 }]]) })
    await forger.post(damaged, { data: 'another', timestamp: old.now })
    const [forged] = forger.messages as [SourceMessage]
    change(2, ({ row }) => ({ ...forged, row }))
    const brought = await stack.bring(source)
    expect(brought.named(damaged)).toEqual(['2 hash-chain', '3 hash-chain'])
  })

  it('is found wrong in the item, and in the assignment', async () => {
    const [assignment, item] = innerOf(rowOf(3))
    const changed = turned(item, item.length - 1)
    const bundle = await wrap([assignment, changed])
    change(3, () => ({ bundle }))
    expect((await stack.bring(source)).named(damaged)).toEqual(['3 item-signature'])

    // In its anchor: a byte behind type, signature, owner and two that say what there is.
    const other = await wrap([turned(assignment, 2 + 512 + 512 + 2), item])
    change(3, () => ({ bundle: other }))
    expect((await stack.bring(source)).named(damaged)).toEqual(['3 assignment-signature'])
  })

  it('is found to be a message to another process', async () => {
    const stray = await clientSigner.sign({ target: Buffer.alloc(32, 7), tags: ao('Message') })
    await old.schedule(damaged, stray)
    expect((await stack.bring(sourceOf(old))).named(damaged)).toEqual(['5 item'])
  })

  it('may look like an assignment where it is a message', async () => {
    // The first of these tags counts, and that says what it is.
    const sly = await clientSigner.sign({
      target: Buffer.from(sound, 'base64url'),
      tags: [{ name: 'type', value: 'Message' }, ...ao('Assignment')],
    })
    await old.schedule(sound, sly)
    const brought = await stack.bring(sourceOf(old), { processes: [sound] })
    expect(brought).toMatchObject({ outcomes: { open: 1 }, faults: 0 })
  })

  it('is by another wallet at its end, and by ours before', async () => {
    const other = new OldUnit(otherSigner, clientSigner)
    Object.assign(other, { logs: Reflect.get(old, 'logs') })
    await other.post(damaged, { timestamp: old.now + 1 })
    const source = sourceOf(old)
    source.messageRows.push({ ...(other.messages[0] as SourceMessage), row: 99 })
    expect((await stack.bring(source)).named(damaged)).toEqual(['5 wallet'])
  })
})

describe('with the operator\u2019s leave', () => {
  it('a process is brought in as it is, where a log can hold it, and its faults are told', async () => {
    change(3, () => ({ timestamp: 5 }))
    const brought = await stack.bring(source, { despiteFaults: true })
    expect(brought.reports.get(damaged)).toMatchObject({ outcome: 'open', faults: [{ nonce: 3, kind: 'row' }] })
    expect((await stack.page(damaged)).edges).toHaveLength(5)
  })

  it.each([
    ['a gap', () => remove(2)],
    ['a doubled nonce', () => source.messageRows.push({ ...rowOf(2), row: 99 })],
    ['no bundle', () => change(3, () => ({ bundle: Buffer.from('garbage') }))],
  ])('%s is left out all the same', async (_, damage) => {
    damage()
    expect(await stack.bring(source, { despiteFaults: true })).toMatchObject({ outcomes: { 'left-out': 1, open: 1 } })
  })
})

it('what the log holds already is something else: nothing is written over it', async () => {
  // The same process with another history after nonce 2, as after a restore of the old unit.
  await stack.bring(source, { ending: 'frozen' })
  const { held } = stack
  const forked = new OldUnit(suSigner, clientSigner)
  Object.assign(forked, { logs: new Map([[damaged, { end: { process: damaged }, next: 4 }]]) })
  await forked.post(damaged, { data: 'another' })
  change(4, ({ row }) => ({ ...(forked.messages[0] as SourceMessage), row }))
  const brought = await stack.bring(source, { despiteFaults: true, ending: 'frozen' })
  expect(brought.named(damaged)).toContain('4 occupied')
  expect(stack.held).toEqual(held)
})
