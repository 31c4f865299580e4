/** The whole way of a segment through real stores: the relay packs it, pages come from it, what is lost of it comes back. */
import { DeleteObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { noMeter } from '../../core/ports/meter.ts'
import { verifySegments } from '../../core/segments/verify.ts'
import { createS3 } from '../../db/s3/client.ts'
import { parseRelayConfig } from '../../functions/config/functions.ts'
import { createRelayParts } from '../../functions/wiring/relay.ts'
import { all } from '../core/relay/world.ts'
import { inParallel, messageItems, post, processItem } from './client.ts'
import { expectScheduled } from './schedule.ts'
import { openStack, type TestStack } from './stack.ts'

let unit: TestStack
beforeAll(async () => {
  unit = await openStack()
  for (const [name, value] of Object.entries(unit.stack.environment)) {
    if (name.startsWith('AWS_')) process.env[name] ??= value
  }
})
afterAll(() => unit.close())

it('is packed as soon as a block is whole, serves the same pages, and is repaired when it is lost', async () => {
  const spawned = await processItem('packed')
  await post(() => unit.url, spawned)
  const items = await messageItems(spawned.id, 300)
  await inParallel(items, 32, (item) => post(() => unit.url, item))

  /** The stack gets other ports when it is started again. */
  async function states(): Promise<string[]> {
    const config = parseRelayConfig(unit.stack.environment)
    const { packing } = createRelayParts(config, { sinks: ['segments'], meter: noMeter, log: { warn() {} } })
    return (await all(verifySegments(packing, spawned.id, { mend: false }))).map(({ state }) => state)
  }
  await expect.poll(states, { timeout: 60_000 }).toEqual(['sound'])

  const config = parseRelayConfig(unit.stack.environment)
  const client = createS3(config.store.s3Endpoint)
  const bucket = { Bucket: config.store.bucket }
  try {
    const before = await expectScheduled(unit.url, spawned.id, items)
    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ ...bucket, Prefix: `segments/${spawned.id}/` }),
    )
    const keys = Contents.map(({ Key }) => Key ?? '')
    expect(keys.map((key) => key.endsWith('.bundle')).sort()).toEqual([false, true])
    for (const Key of keys) {
      if (Key.endsWith('.bundle')) await client.send(new DeleteObjectCommand({ ...bucket, Key }))
      else await client.send(new PutObjectCommand({ ...bucket, Key, Body: Buffer.from('spoilt') }))
    }
    expect(await states()).toEqual(['damaged'])
    // No instance has anything in memory any more.
    await unit.killAndRestart()
    expect(await expectScheduled(unit.url, spawned.id, items)).toEqual(before)
    await expect.poll(states, { timeout: 60_000 }).toEqual(['sound'])
    expect(await expectScheduled(unit.url, spawned.id, items)).toEqual(before)
  } finally {
    client.destroy()
  }
})
