/** The bundler and Postgres are away while messages are accepted and read; afterwards everything arrives. */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inParallel, messageItem, messageItems, post, postOnce, processItem } from './client.ts'
import { expectScheduled, expectUploaded } from './schedule.ts'
import { openStack, type TestStack } from './stack.ts'

let unit: TestStack
beforeAll(async () => {
  unit = await openStack()
})
afterAll(() => unit.close())

const url = () => unit.url

async function accepted(count: number, name: string) {
  const process = await processItem(name)
  await post(url, process)
  const items = await messageItems(process.id, count, name)
  for (const { status } of await inParallel(items, 8, (item) => postOnce(unit.url, item))) expect(status).toBe(200)
  return { process: process.id, items }
}

async function indexed(process: string): Promise<number> {
  const client = new pg.Client({ connectionString: unit.stack.environment.DATABASE_URL })
  await client.connect()
  try {
    const { rows } = await client.query('select count(*)::int as count from messages where process = $1', [process])
    return rows[0].count
  } finally {
    await client.end()
  }
}

/** Calls the reconciler, as its schedule does each minute, until something is reached. */
async function reconciled(reached: () => Promise<boolean>): Promise<boolean> {
  for (let runs = 0; runs < 60; runs++) {
    await unit.stack.invoke('reconciler')
    if (await until(reached, 2_000)) return true
  }
  return false
}

async function until(reached: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(200)) if (await reached()) return true
  return false
}

describe('when all is well', () => {
  it('an item is uploaded and indexed', async () => {
    const { process, items } = await accepted(1, 'quick')
    await expectUploaded(unit.stack.gateway, await expectScheduled(unit.url, process, items), 60_000)
    expect(await until(async () => (await indexed(process)) >= 1, 60_000)).toBe(true)
  })
})

describe('away', () => {
  it('the bundler: everything is accepted and read, and arrives when it is back', async () => {
    unit.stack.gateway?.addFault({ match: 'POST /tx', status: 503 })
    const { process, items } = await accepted(60, 'no bundler')
    const edges = await expectScheduled(unit.url, process, items)
    await expect.poll(() => unit.stack.gateway?.faultsMet(), { timeout: 60_000 }).toBeGreaterThan(0)
    unit.stack.gateway?.clearFaults()
    const last = edges.at(-1)?.node.message?.id ?? ''
    expect(await reconciled(async () => unit.stack.gateway?.uploads().some(({ id }) => id === last) ?? false)).toBe(
      true,
    )
    await expectUploaded(unit.stack.gateway, edges, 60_000)
  })

  it('Postgres: everything is accepted, read by timestamps too, and uploaded; it is indexed when it is back', async () => {
    await unit.stack.postgres?.stop()
    const { process, items } = await accepted(60, 'no Postgres')
    const edges = await expectScheduled(unit.url, process, items)
    const from = edges[30]?.node.assignment.tags.find(({ name }) => name === 'Timestamp')?.value
    const page = await fetch(`${unit.url}/${process}?process-id=${process}&from=${from}&limit=1000`)
    expect(((await page.json()) as { edges: unknown[] }).edges).toHaveLength(30)
    await expectUploaded(unit.stack.gateway, edges, 60_000)
    expect((await fetch(`${unit.url}/health`)).status).toBe(200)
    await unit.stack.postgres?.start()
    expect(await reconciled(async () => (await indexed(process)) >= items.length)).toBe(true)
  })

  it('the gateway: messages are scheduled all the same; what needs it is 503 and not forgotten', async () => {
    const { process } = await accepted(1, 'no gateway')
    for (const match of ['GET /', 'HEAD /', 'POST /graphql']) unit.stack.gateway?.addFault({ match, status: 500 })
    const posted = await postOnce(unit.url, await messageItem(process, 'without a gateway'))
    expect(posted.status).toBe(200)
    const transaction = `${'x'.repeat(42)}A`
    const assigned = await fetch(`${unit.url}/?process-id=${process}&assign=${transaction}&base-layer`, {
      method: 'POST',
    })
    expect(assigned.status).toBe(503)
    expect(assigned.headers.get('retry-after')).toMatch(/^\d+$/)
    unit.stack.gateway?.clearFaults()
    unit.stack.gateway?.addTransaction({ id: transaction, confirmations: 100, data: 'settled' })
    const again = await fetch(`${unit.url}/?process-id=${process}&assign=${transaction}&base-layer`, { method: 'POST' })
    expect(again.status, await again.clone().text()).toBe(200)
  })

  it('what the bundler refuses for good is a dead letter, and holds up nothing', async () => {
    const first = await accepted(1, 'refused')
    const met = unit.stack.gateway?.faultsMet() ?? 0
    unit.stack.gateway?.addFault({ match: 'POST /tx', status: 400, body: 'we do not like it', times: 3 })
    const item = await messageItem(first.process, 'disliked')
    await post(url, item)
    // All three attempts at it are refused.
    await expect.poll(() => unit.stack.gateway?.faultsMet(), { timeout: 60_000 }).toBe(met + 3)
    const later = await messageItem(first.process, 'liked')
    await post(url, later)
    const edges = await expectScheduled(unit.url, first.process, [...first.items, item, later])
    const last = edges.slice(-1)
    await expectUploaded(unit.stack.gateway, last, 60_000)
  })
})
