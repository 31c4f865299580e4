/**
 * Whatever `POST /` accepts, everything behind it can carry: the item can be assigned, named in `On-Boot`, uploaded, verified, packed
 * and restored, over a gateway that sends its tags as headers and as JSON.
 */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type DataItem, LARGEST_ITEM_BYTES } from '../../core/ans104/data-item.ts'
import { createSigner } from '../../core/ans104/signer.ts'
import type { Tag } from '../../core/ans104/tags.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { BLOCK_RECORDS } from '../../core/ports/segment-store.ts'
import { assignmentText, itemText, nodeText } from '../../core/read/render.ts'
import { readWhole } from '../../core/relay/batch.ts'
import { partsOf } from '../../core/relay/parts.ts'
import { findItem, proveAssignment } from '../../core/restore/proof.ts'
import { assignTransaction } from '../../core/schedule/assign.ts'
import { postItem } from '../../core/schedule/post.ts'
import { buildBlock } from '../../core/segments/build.ts'
import { createSegmentReader } from '../../core/segments/reader.ts'
import { type LocalGateway, startGateway } from '../../local/gateway.ts'
import { createBundler } from '../../network/bundler.ts'
import { createGateway } from '../../network/gateway.ts'
import { createUploadedLog } from '../../network/uploaded-log.ts'
import { tags as anyTags, bytes } from '../core/ans104/arbitraries.ts'
import { verifyAll } from '../core/audit/world.ts'
import { messageTags, signedItem, signedMessage, signedProcess, tagList, wallets } from '../core/schedule/items.ts'
import { readNodes } from '../core/segments/packed.ts'
import { FakeLogImport } from '../fakes/log-import.ts'
import { FakeLogInspection } from '../fakes/log-inspection.ts'
import { FakeRelayStore } from '../fakes/relay-store.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../fakes/segment-stores.ts'
import { createUnit, type Unit } from '../fakes/unit.ts'

/** Long enough for any machine: nothing here is about time. */
const PATIENCE_MS = 120_000

const signer = createSigner(wallets.su)
let local: LocalGateway
beforeAll(async () => {
  local = await startGateway({ blockMs: Number.POSITIVE_INFINITY })
})
afterAll(() => local.stop())

let unit: Unit<typeof systemClock>
let process: string
let other: string
beforeEach(async () => {
  const fakes = createUnit({ clock: systemClock, signer })
  const gateway = createGateway({
    arweaveUrl: local.url,
    graphqlUrl: local.url,
    bootUrls: [local.url],
    maxDataBytes: LARGEST_ITEM_BYTES,
    deadlineMs: PATIENCE_MS,
    dataDeadlineMs: PATIENCE_MS,
  })
  unit = { ...fakes, scheduler: { ...fakes.scheduler, gateway } }
  const spawned = await Promise.all(
    [1, 2].map((n) => signedProcess({ data: `${n} ${randomBytes(8).toString('hex')}` })),
  )
  for (const item of spawned) await post(item)
  ;[process = '', other = ''] = spawned.map(({ id }) => id)
})

const message = (tags: Tag[], data: Buffer | string = ''): Promise<DataItem> =>
  signedItem({ tags: [...tagList(messageTags), ...tags], data, target: process, anchor: randomBytes(32) })

const post = ({ raw }: DataItem) => postItem(unit.scheduler, raw, Date.now() + PATIENCE_MS)
const deps = () => ({ records: unit.store, blobs: unit.blobs })
const headOf = async (of: string) => {
  const head = await unit.store.head(of)
  if (!head) throw new Error('no such process')
  return head
}
const recordsOf = async (of: string) => unit.store.records(of, 0, (await headOf(of)).next - 1)

/** As the relay does. */
async function upload(of: string): Promise<void> {
  const bundler = createBundler({ url: local.url, timeoutMs: PATIENCE_MS })
  for (const record of await recordsOf(of)) {
    for (const { id, raw } of partsOf(await readWhole(deps(), record))) {
      expect(await bundler.upload(id, raw)).toMatchObject({ kind: 'taken' })
    }
  }
}

async function verified(of: string) {
  const { next } = await headOf(of)
  const relay = new FakeRelayStore()
  relay.moveHead(of, next)
  await relay.advance(of, { upload: { from: undefined, to: next } })
  return verifyAll(
    {
      log: unit.store,
      inspection: new FakeLogInspection(unit.store),
      bodies: unit.blobs,
      imports: new FakeLogImport(unit.store),
      relay,
      owner: signer.owner,
      gateway: unit.scheduler.gateway,
    },
    of,
  )
}

/** Everything that happens to an item, but for packing, which takes a whole block. */
async function carry(item: DataItem): Promise<void> {
  await post(item)
  await upload(process)
  await assignTransaction(
    unit.scheduler,
    { process: other, transaction: item.id, baseLayer: false },
    Date.now() + PATIENCE_MS,
  )
  const booted = await signedProcess({ tags: { 'On-Boot': item.id }, data: randomBytes(8) })
  await post(booted)
  expect((await recordsOf(other)).at(-1)).toMatchObject({ kind: 'transaction', id: item.id })
  expect((await recordsOf(booted.id)).at(0)).toMatchObject({ kind: 'process' })

  expect(await verified(process)).toMatchObject({ faults: [], pending: 0 })

  const uploaded = createUploadedLog({
    arweaveUrl: local.url,
    graphqlUrl: local.url,
    wallet: signer.address,
    deadlineMs: PATIENCE_MS,
  })
  const [record] = (await recordsOf(process)).slice(-1)
  const [nonce = -1, assignment] = [record?.nonce, record?.assignment]
  expect(await findItem({ bodies: [uploaded] }, item.id)).toMatchObject({ item: { raw: item.raw } })
  const [found] = await uploaded.assignments(process, [nonce])
  expect(found?.raw).toEqual(assignment)
  expect(
    await proveAssignment({ wallet: { wallet: signer.address, owner: signer.owner } }, found?.raw ?? Buffer.alloc(0), {
      process,
      nonce,
    }),
  ).toBeDefined()
  expect(await uploaded.uploaded([item.id])).toEqual(new Set([item.id]))
}

const tagsOf = (count: number, name: (n: number) => string, value: string): Tag[] =>
  Array.from({ length: count }, (_, n) => ({ name: name(n), value }))

const control = Array.from({ length: 32 }, (_, n) => String.fromCharCode(n)).join('')

const kinds: Record<string, () => Promise<DataItem>> = {
  'no data': () => message([]),
  'binary data': () => message([], randomBytes(10_000)),
  'a large body': () => message([], randomBytes(4_000_000)),
  'many tags': () => message(tagsOf(4_000, (n) => `Tag-${n}`, 'a value')),
  'many tags of one name': () => message(tagsOf(4_000, () => 'Tag', 'a value')),
  '40 KB of tags': () => message(tagsOf(40, (n) => `Tag-${n}`, 'x'.repeat(1_000))),
  'a tag of 1 MB': () => message([{ name: 'Large', value: 'x'.repeat(1_000_000) }]),
  'tags without name and value': () => message(tagsOf(2_000, () => '', '')),
  'control characters': () => message([{ name: control, value: control.repeat(30_000) }], control),
  'text of all kinds': () => message([{ name: 'Ünï😀', value: '\uFEFF\uFFFD😀"\\\u2028'.repeat(1_000) }], 'ü😀'),
}

describe('what the unit accepts', { timeout: PATIENCE_MS }, () => {
  it.each(Object.entries(kinds))('is carried: %s', async (_, make) => {
    await carry(await make())
  })

  it('is carried: any tags and data', async () => {
    await fc.assert(
      fc.asyncProperty(anyTags, bytes(300), async (tags, data) => {
        await carry(await message(tags, data))
      }),
      { numRuns: 5 },
    )
  })

  it('is packed, and read as it stands in the log', async () => {
    for (const make of Object.values(kinds)) await post(await make())
    for (let nonce = (await headOf(process)).next; nonce < BLOCK_RECORDS; nonce++) {
      await post(await signedMessage({ target: process, data: String(nonce) }))
    }
    const [objects, indexes] = [new FakeSegmentObjects(), new FakeSegmentIndexes()]
    expect(await buildBlock({ ...deps(), objects, indexes }, await headOf(process), 0)).toEqual({ kind: 'built' })
    const reader = createSegmentReader({ objects, indexes, damage: unit.damage, clock: systemClock })
    const nodes = await readNodes(reader, process, 0, BLOCK_RECORDS - 1)
    for (const [nonce, record] of (await recordsOf(process)).entries()) {
      const { rawItem } = await readWhole(deps(), record)
      const expected = nodeText(itemText(record, rawItem), assignmentText(record, { showAnchor: false }))
      // A difference of megabytes is no help as a message.
      expect([nonce, nodes[nonce] === expected]).toEqual([nonce, true])
    }
    expect(unit.damage).toMatchObject({ reported: [] })
  })
})
