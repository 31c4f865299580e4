/**
 * Every function does all that it ever does, over two units behind a router, and what it calls of DynamoDB and S3 is what it is granted:
 * nothing else, and nothing less. That it is nothing else all other tests of stacks see to as well, the recorded profiles among them
 * (stack.ts).
 */
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noMeter } from '../../core/ports/meter.ts'
import { parseRelayConfig } from '../../functions/config/functions.ts'
import { createRelayParts } from '../../functions/wiring/relay.ts'
import type { AwsCall } from '../../local/aws-calls.ts'
import { localCredentials, localRegion } from '../../local/dynamodb.ts'
import { OldUnit } from '../core/migration/old-unit.ts'
import { clientSigner, suSigner } from '../core/migration/world.ts'
import { type RustPostgres, startRustPostgres } from '../db/rust/world.ts'
import { type Item, inParallel, messageItem, messageItems, post, processItem, pushedItem } from './client.ts'
import { holdAgainstGrants } from './granted.ts'
import { expectScheduled, expectUploaded } from './schedule.ts'
import { openRegions, type TestRegions } from './stack.ts'

const calls = holdAgainstGrants()
/** What a test does as a call comes, before it is answered. */
let whenCalled: ((call: AwsCall) => void) | undefined
const onCall = (call: AwsCall): void => {
  calls.onCall(call)
  whenCalled?.(call)
}
let all: TestRegions
let rust: RustPostgres
beforeAll(async () => {
  // Hashes that are kept while the check is off are written by another call than those that are claimed.
  const variables = { ENABLE_DEEP_HASH_CHECKS: 'false' }
  ;[all, rust] = await Promise.all([openRegions(2, variables, { instances: 3, onCall }), startRustPostgres()])
})
afterAll(() => Promise.all([all?.close(), rust?.stop()]))

const url = () => all.url

/** Gives the message whose body is kept in S3. */
async function write(process: Item): Promise<Item> {
  await post(url, process)
  const small = await messageItems(process.id, 4)
  const large = await messageItem(process.id, 'large', 20_000)
  const pushed = await pushedItem(process.id, 'pushed')
  const items = [...small, large, pushed]
  await inParallel(items, 4, (item) => post(url, item))
  await read(process, items)
  return large
}

async function read(process: Item, items: readonly Item[]): Promise<void> {
  const edges = await expectScheduled(url(), process.id, items)
  await expectUploaded(all.regions.gateway, edges, 60_000)
  const first = edges[0]?.node.assignment.tags.find(({ name }) => name === 'Timestamp')?.value
  const ids = [process.id, items[0]?.id, edges.at(-1)?.node.assignment.id]
  for (const path of [
    `/${process.id}?process-id=${process.id}&from=${first}&limit=3`,
    `/${process.id}?process-id=${process.id}&from=0`,
    `/${process.id}/latest`,
    `/processes/${process.id}`,
    `/timestamp?process-id=${process.id}`,
    ...ids.map((id) => `/${id}?process-id=${process.id}`),
  ]) {
    expect((await fetch(url() + path)).status, path).toBe(200)
  }
}

/**
 * Many writers, so that one instance commits for the others. So many messages that two blocks are packed, and that the relay's turn
 * ends before the slow bundler has taken them: the process wakes itself.
 */
async function flood(process: Item): Promise<void> {
  const { gateway, units } = all.regions
  gateway?.addFault({ match: 'POST /tx', delayMs: 12_000 })
  await inParallel(await messageItems(process.id, 540, 'flood'), 24, (item) => post(url, item))
  await expectCalled('relay dynamodb:PutItem heads')
  gateway?.clearFaults()
  await expectCalled('packer s3:PutObject bucket/segments/')
  const { store } = await relayOf(process.id)
  const packed = async () => (await store.progress(process.id))?.done.segments
  await expect.poll(packed, polling).toBe(512)
  const page = () => fetch(`${url()}/${process.id}?process-id=${process.id}&limit=1000`).then((answer) => answer.text())
  const sound = await page()
  await spoilSegments(process.id)
  // No instance has anything in memory any more.
  for (const unit of units) for (const pid of unit.pids('su')) globalThis.process.kill(pid, 'SIGKILL')
  await expect.poll(page, polling).toBe(sound)
}

/** The relay's memory and the stores of the unit that has a process, as an operator's command opens them. */
async function relayOf(process: string) {
  for (const unit of all.regions.units) {
    for (const [name, value] of Object.entries(unit.environment)) {
      if (name.startsWith('AWS_')) globalThis.process.env[name] ??= value
    }
    const config = parseRelayConfig(unit.environment)
    const parts = createRelayParts(config, { sinks: ['segments'], meter: noMeter, log: { warn() {} } })
    if (await parts.store.progress(process)) return { unit, ...parts }
  }
  throw new Error('No unit has the process.')
}

/** The packer stands still for longer than a process's turn lasts, with two blocks to do: the process wakes itself. */
async function packerIsLate(process: Item): Promise<void> {
  const { unit, store } = await relayOf(process.id)
  let stopped = false
  whenCalled = ({ caller, on }) => {
    if (stopped || caller !== 'packer' || !('table' in on) || on.table !== 'records') return
    stopped = true
    const pids = unit.pids('packer')
    for (const pid of pids) globalThis.process.kill(pid, 'SIGSTOP')
    setTimeout(() => {
      for (const pid of pids) globalThis.process.kill(pid, 'SIGCONT')
    }, 11_000)
  }
  await store.advance(process.id, { segments: { from: 512, to: 0 } })
  await store.wake(process.id)
  await expectCalled('packer dynamodb:PutItem heads')
  whenCalled = undefined
}

/** A block with a lost body becomes owed, and the reconciler packs it when the body is there again. */
async function blockIsOwed(process: Item, large: Item): Promise<void> {
  const { unit, store, packing } = await relayOf(process.id)
  const { client, Bucket } = bucketOf(unit.environment)
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `items/${large.id}/` }))
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket, Key }))
  const reset = async () => {
    await packing.indexes.remove(process.id, 0)
    const at = (await store.progress(process.id))?.done.segments
    await store.advance(process.id, { segments: { from: at, to: 0 } })
    await store.wake(process.id)
    return calls.notCalled
  }
  await expect.poll(reset, polling).not.toContain('packer dynamodb:BatchWriteItem heads')
  for (const { Key } of Contents) await client.send(new PutObjectCommand({ Bucket, Key, Body: large.raw }))
  client.destroy()
  const owed = { process: process.id, id: process.id, reason: 'lost', since: Date.now(), tries: 1, next: Date.now() }
  const block = { ...owed, sink: 'segments', nonce: 0, part: 'block' } as const
  const nothing = { ...owed, sink: 'upload', nonce: 1_000_000, part: 'record' } as const
  const reconciled = async () => {
    await packing.indexes.remove(process.id, 0)
    await store.owe([block, nothing])
    expect((await unit.invoke('reconciler')).kind).toBe('answered')
    return calls.notCalled.filter((call) => call.startsWith('reconciler'))
  }
  await expect.poll(reconciled, polling).toEqual([])
  await store.settle(nothing)
}

const polling = { timeout: 120_000, interval: 500 }

const expectCalled = (call: string) => expect.poll(() => calls.notCalled, polling).not.toContain(call)

async function spoilSegments(process: string): Promise<void> {
  for (const { environment } of all.regions.units) {
    const { client, Bucket } = bucketOf(environment)
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `segments/${process}/` }))
    for (const { Key } of Contents) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.from('spoilt') }))
    }
    client.destroy()
  }
}

function bucketOf(environment: Readonly<Record<string, string>>) {
  const client = new S3Client({
    ...(environment.S3_ENDPOINT !== undefined && { endpoint: environment.S3_ENDPOINT }),
    region: localRegion,
    credentials: localCredentials,
    forcePathStyle: true,
  })
  return { client, Bucket: environment.BUCKET }
}

async function assign(process: Item, query: string): Promise<void> {
  const response = await fetch(`${url()}/?process-id=${process.id}&${query}`, { method: 'POST' })
  expect(response.status, await response.text()).toBe(200)
}

async function uploadsInTrouble(process: Item): Promise<void> {
  const { gateway, units } = all.regions
  gateway?.addFault({ match: 'POST /tx', status: 400, body: 'we do not like it', times: 6 })
  await post(url, await messageItem(process.id, 'disliked'))
  await expectCalled('relay dynamodb:BatchWriteItem heads')
  gateway?.clearFaults()
  gateway?.addFault({ match: 'POST /tx', status: 503 })
  await post(url, await messageItem(process.id, 'waiting'))
  for (const unit of units) expect((await unit.invoke('reconciler')).kind).toBe('answered')
  gateway?.clearFaults()
}

async function bringInPlacements(): Promise<void> {
  const [first = '', second = ''] = all.regions.units.map((unit) => unit.url)
  const placements = {
    from: await rust.restore(),
    units: { 'http://127.0.0.1:9001': first, 'http://127.0.0.1:9002': second },
  }
  const outcome = await all.regions.router.invoke('migPlacements', { placements })
  expect(outcome).toMatchObject({ kind: 'answered', body: expect.stringContaining('"done":true') })
}

/** Of two pushed messages that say the same the later one first, whose row then gives way; and all of it twice. */
async function bringInMessages(): Promise<void> {
  const [unit] = all.regions.units
  const old = new OldUnit(suSigner, clientSigner)
  const process = await old.spawn()
  for (const data of ['said twice', 'said twice', 'large'.repeat(5_000)])
    await old.post(process, { data, from: process })
  const from = await rust.restore('rust-su')
  const copy = await rust.emptyUnit()
  await rust.add(copy, old)
  for (const event of [{ from }, { from: copy, rows: '2' }, { from: copy }, { from: copy }]) {
    const outcome = await unit?.invoke('mig', { messages: { ...event, reuploadSince: 0 } })
    expect(outcome).toMatchObject({ kind: 'answered', body: expect.stringContaining('"done":true') })
  }
}

describe('grants', () => {
  it('are what the functions call, and all of it', async () => {
    const processes = await Promise.all([1, 2, 3, 4].map((i) => processItem(`granted ${i}`)))
    const [large] = await inParallel(processes, 2, write)
    const [first] = processes
    if (!first || !large) throw new Error('Nothing was spawned')
    const [settled, other] = ['s', 'o'].map((letter) => `${letter.repeat(42)}A`)
    for (const id of [settled, other])
      all.regions.gateway?.addTransaction({ id: id ?? '', confirmations: 100, data: 'x' })
    await assign(first, `assign=${settled}&base-layer`)
    await assign(first, `assign=${other}`)
    await flood(first)
    await packerIsLate(first)
    await blockIsOwed(first, large)
    await uploadsInTrouble(first)
    await bringInPlacements()
    await bringInMessages()
    for (const unit of all.regions.units) expect((await unit.invoke('height')).kind).toBe('answered')

    // Started again: what was begun is found, by the units and by the router.
    await all.regions.units[0]?.kill()
    await all.regions.router.kill()
    await all.regions.startUnit(0)
    await all.regions.startRouter()
    for (const process of processes) await post(url, await messageItem(process.id, 'after a restart'))

    expect(calls.notGranted).toEqual([])
    await expect.poll(() => calls.notCalled, polling).toEqual([])
  })
})

describe('holding calls against grants', () => {
  const call = (action: string, on: AwsCall['on']): AwsCall => ({ caller: 'height', action, on })
  const row = (key: string | undefined) => ({ table: 'heads', key }) as const

  it('finds what is not granted, whatever of it is another', () => {
    const held = holdAgainstGrants()
    held.onCall(call('dynamodb:UpdateItem', row('~network')))
    expect(held.notGranted).toEqual([])
    held.onCall(call('dynamodb:UpdateItem', row('~log')))
    held.onCall(call('dynamodb:UpdateItem', row(undefined)))
    held.onCall(call('dynamodb:PutItem', row('~network')))
    held.onCall(call('dynamodb:UpdateItem', { table: 'ids', key: '~network' }))
    held.onCall(call('s3:GetObject', { bucket: true, key: 'items/x' }))
    held.onCall({ ...call('s3:GetObject', { bucket: true, key: 'others/x' }), caller: 'relay' })
    held.onCall({ ...call('s3:ListBucket', { bucket: true, key: 'items/x' }), caller: 'su' })
    held.onCall(call('dynamodb:UpdateItem', { unknown: 'table others' }))
    expect(held.notGranted).toEqual([
      'height dynamodb:PutItem heads (~network)',
      'height dynamodb:UpdateItem heads',
      'height dynamodb:UpdateItem heads (~log)',
      'height dynamodb:UpdateItem ids (~network)',
      'height dynamodb:UpdateItem table others',
      'height s3:GetObject bucket/items/',
      'relay s3:GetObject bucket/others/',
      'su s3:ListBucket bucket/items/',
    ])
  })

  it('finds what is never called', () => {
    const held = holdAgainstGrants({
      height: [
        { resource: { table: 'heads' }, actions: ['dynamodb:UpdateItem', 'dynamodb:PutItem'] },
        { resource: { bucket: true, prefix: 'items/' }, actions: ['s3:GetObject'] },
      ],
    })
    held.onCall(call('dynamodb:UpdateItem', row('P')))
    expect(held.notCalled).toEqual(['height dynamodb:PutItem heads', 'height s3:GetObject bucket/items/'])
  })
})
