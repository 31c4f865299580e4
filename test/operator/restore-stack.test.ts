/** A whole stack that loses its tables and gets them back from a backup, under their own names, as an operator brings it back. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AttributeValue,
  DeleteTableCommand,
  DynamoDBClient,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import { afterAll, expect, it } from 'vitest'
import type { tables } from '../../infra/tables.ts'
import { localCredentials, localRegion, localTableName, startDynamoDb } from '../../local/dynamodb.ts'
import { parseOptions } from '../../local/options.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import { dynamodbDir } from '../../local/state-dir.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { type Item, messageItem, messageItems, post, postOnce, processItem, pushedItem } from '../stack/client.ts'
import { expectScheduled, expectUploaded, readSchedule } from '../stack/schedule.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'su-restore-'))
let stack: Stack | undefined
afterAll(async () => {
  await stack?.stop()
  rmSync(stateDir, { recursive: true, force: true })
})

const start = async (): Promise<Stack> => {
  const environment = { LOG_LEVEL: 'silent', SU_WALLET: JSON.stringify(wallets.su), STATE_DIR: stateDir }
  stack = await startStack({ ...parseOptions(environment), port: 0, instances: 2 })
  return stack
}

const su = (...args: string[]): Promise<{ exit: number; lines: string[]; complaints: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, STATE_DIR: stateDir }
    execFile(process.execPath, ['operator/main.ts', ...args], { env, timeout: 300_000 }, (error, stdout, stderr) => {
      const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ exit, lines: stdout.split('\n').filter((line) => line !== ''), complaints: stderr })
    })
  })

const clientOf = (endpoint: string) =>
  new DynamoDBClient({ endpoint, region: localRegion, credentials: localCredentials })
const names = (['heads', 'records', 'ids'] as const satisfies (keyof typeof tables)[]).map(localTableName)

async function backUp(endpoint: string): Promise<Map<string, Record<string, AttributeValue>[]>> {
  const client = clientOf(endpoint)
  const rows = new Map<string, Record<string, AttributeValue>[]>()
  for (const TableName of names) {
    const all = []
    for await (const { Items = [] } of paginateScan({ client }, { TableName })) all.push(...Items)
    rows.set(TableName, all)
  }
  client.destroy()
  return rows
}

/** The tables are deleted; others of their names hold what the backup had. */
async function loseAndRestore(backup: Awaited<ReturnType<typeof backUp>>): Promise<void> {
  const dir = dynamodbDir(stateDir)
  const lost = await startDynamoDb({ dir })
  const deleting = clientOf(lost.url)
  for (const TableName of names) await deleting.send(new DeleteTableCommand({ TableName }))
  deleting.destroy()
  await lost.stop()
  const made = await startDynamoDb({ dir })
  const client = clientOf(made.url)
  for (const [TableName, rows] of backup) {
    for (const Item of rows) await client.send(new PutItemCommand({ TableName, Item }))
  }
  client.destroy()
  await made.stop()
}

async function untilRelayed(id: string): Promise<void> {
  const end = Date.now() + 20_000
  for (;;) {
    const { lines } = await su('process', 'show', id, '--json')
    const { metadata, upload } = JSON.parse(lines[0] ?? '{}').sinks ?? {}
    if (metadata?.behind === 0 && upload?.behind === 0) return
    if (Date.now() > end) throw new Error(`${id} was never relayed`)
    await sleep(200)
  }
}

it('comes back frozen, is completed, and goes on with the next nonce', async () => {
  const first = await start()
  const url = () => first.url
  const [old, fresh] = [await processItem('old'), await processItem('fresh')]
  await post(url, old)
  const items: Item[] = [...(await messageItems(old.id, 20, 'before')), await messageItem(old.id, 'large', 6_000)]
  for (const item of items) await post(url, item)
  await untilRelayed(old.id)
  const backup = await backUp(first.environment.DYNAMODB_ENDPOINT ?? '')

  // What a backup lacks.
  const after = [...(await messageItems(old.id, 20, 'after')), await messageItem(old.id, 'large 2', 6_000)]
  const pushed = await pushedItem(old.id, 'pushed')
  for (const item of [...after, pushed]) await post(url, item)
  items.push(...after, pushed)
  await post(url, fresh)
  const others = await messageItems(fresh.id, 5, 'of the fresh one')
  for (const item of others) await post(url, item)
  for (const { id } of [old, fresh]) await untilRelayed(id)
  const truth = { old: await readSchedule(first.url, old.id), fresh: await readSchedule(first.url, fresh.id) }
  const uploads = () => stack?.gateway?.uploads().filter(({ path }) => path.startsWith('/tx')) ?? []
  const ours = new Set(
    Object.values(truth)
      .flat()
      .flatMap(({ node }) => [node.assignment.id, node.message?.id]),
  )
  const uploaded = uploads().filter(({ id }) => ours.has(id)).length
  await first.stop()

  await loseAndRestore(backup)
  const again = await start()
  const next = await messageItem(old.id, 'after the restore')
  const refused = await postOnce(again.url, next)
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ code: 'foreign-log' })
  expect((await postOnce(again.url, await processItem('no'))).status).toBe(503)
  expect(await readSchedule(again.url, old.id)).toEqual(truth.old.slice(0, 22))

  const checked = await su('restore', 'check')
  expect(checked.exit).toBe(1)
  expect(checked.lines).toEqual(
    expect.arrayContaining([
      `${old.id}  can be completed: 22 records lost; the next nonce is 44`,
      `${fresh.id}  can be completed: 6 records lost; the next nonce is 6`,
      '2 processes: 28 records can be brought back, 2 not ready.',
    ]),
  )
  expect(await su('restore', 'take-over', '--old-tables-stopped')).toMatchObject({ exit: 1 })
  const completed = await su('restore', 'complete')
  expect(completed.exit, completed.complaints).toBe(0)
  expect(completed.lines).toContain('2 processes: 28 records brought back, 0 not ready.')
  expect((await postOnce(again.url, next)).status).toBe(503)
  const taken = await su('restore', 'take-over', '--old-tables-stopped')
  expect(taken, taken.complaints).toMatchObject({ exit: 0 })

  // At once, in the instances that refused until now.
  expect((await postOnce(again.url, next)).status).toBe(200)
  items.push(next)
  const edges = await expectScheduled(again.url, old.id, items)
  expect(edges.slice(0, 44)).toEqual(truth.old)
  expect(await readSchedule(again.url, fresh.id)).toEqual(truth.fresh)
  await expectUploaded(again.gateway, edges, 20_000)
  await untilRelayed(old.id)
  expect(uploads().filter(({ id }) => ours.has(id))).toHaveLength(uploaded)
  // What was scheduled after the backup is known.
  const known = await postOnce(again.url, pushed)
  expect(await known.json()).toMatchObject({ id: pushed.id })
  expect(await readSchedule(again.url, old.id)).toHaveLength(45)
  const verified = await su('verify', `${old.id},${fresh.id}`, '--uploads')
  expect(verified, verified.complaints).toMatchObject({ exit: 0 })
  expect(await su('restore', 'check')).toMatchObject({ exit: 0 })
})
