/**
 * How fast the unit is, beside what nothing can beat: bare signatures and bare transactions, measured in the same run.
 *
 *   npm run bench                      everything, here and with AWS's latencies
 *   npm run bench -- --quick           fewer requests
 *   npm run bench -- --only writes     writes, hot (1 to 64 writers of one process), pages, units, router, history, migration, cold,
 *                                      garbage or memory
 *   npm run bench -- --only costs      what a stage costs at AWS, into docs/deploy.md
 *   npm run bench -- --messages 1000   lengths of the processes whose history is read; messages that are moved in
 *   npm run bench -- --latency 10,30   ms that each call of DynamoDB and S3 takes longer
 *
 * INSTANCES and CONCURRENCY are the stack's (README.md).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createDynamoDb } from '../db/dynamodb/client.ts'
import { localCredentials, localRegion } from '../local/dynamodb.ts'
import { parseOptions } from '../local/options.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { signatureRate, transactionRate } from './baselines.ts'
import { measureColdStarts } from './cold.ts'
import { measureCosts } from './costs-measuring.ts'
import { measureGarbage, measureRenderings, measureSignedTags } from './garbage.ts'
import { measureHistory } from './history.ts'
import { measureHot } from './hot.ts'
import { makeMessages, makeProcess, makeWallet } from './items.ts'
import { Client, type Measured } from './load.ts'
import { measureMemory } from './memory.ts'
import { measureMigration } from './migration.ts'
import { figure, heading, line } from './report.ts'
import { measureRouter } from './router.ts'
import { measureUnits, walletOf } from './units.ts'

const { values: args } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    latency: { type: 'string' },
    messages: { type: 'string' },
  },
})
const scale = args.quick ? 0.3 : 1
const some = (count: number) => Math.max(16, Math.round(count * scale))
const wanted = (part: string) => args.only === undefined || args.only === part

/** As the SDK's clients of this process need them; the stack's functions have their own. */
process.env.AWS_REGION = localRegion
process.env.AWS_ACCESS_KEY_ID = localCredentials.accessKeyId
process.env.AWS_SECRET_ACCESS_KEY = localCredentials.secretAccessKey

async function withStack(latency: { dynamodb: number; s3: number }, run: (stack: Stack) => Promise<void>) {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-bench-'))
  const options = parseOptions({ LOG_LEVEL: 'warn', ...process.env, STATE_DIR: stateDir, PORT: '0' })
  const stack = await startStack({ ...options, port: 0, latency })
  try {
    await run(stack)
  } finally {
    await stack.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

async function baselines({ environment }: Stack): Promise<Record<string, number>> {
  const signer = walletOf(environment)
  const { HEADS_TABLE = '', RECORDS_TABLE = '', IDS_TABLE = '', DYNAMODB_ENDPOINT = '' } = environment
  const tables = { heads: HEADS_TABLE, records: RECORDS_TABLE, ids: IDS_TABLE }
  const { client } = createDynamoDb(tables, DYNAMODB_ENDPOINT)
  await transactionRate(client, tables, 200)
  const signatures = await signatureRate(signer)
  const transactions = await transactionRate(client, tables)
  client.destroy()
  heading('What nothing can beat, one after the other')
  figure('bare signatures', signatures, 'a second')
  figure('bare transactions of a message', transactions, 'a second')
  return { signatures, transactions }
}

async function writes(stack: Stack, base: Record<string, number>): Promise<void> {
  heading('Messages of 0.5 KB data')
  const client = new Client(stack.url)
  const wallet = makeWallet()
  const post = (raw: Buffer) => ({ method: 'POST', path: '/', body: raw }) as const
  const spawn = async () => {
    const process = await makeProcess(wallet)
    const { status } = await client.send(post(process.raw))
    if (status !== 200) throw new Error(`the spawn was answered ${status}`)
    return process.id
  }
  const warm = await spawn()
  await client.run(
    (await makeMessages(wallet, warm, some(1_200), 512)).map(({ raw }) => post(raw)),
    8,
  )
  for (const [clients, count] of [
    [1, 400],
    [8, 800],
    [32, 1_200],
  ] as const) {
    const process = await spawn()
    const messages = await makeMessages(wallet, process, some(count), 512)
    line(
      `one process, ${clients} clients`,
      await client.run(
        messages.map(({ raw }) => post(raw)),
        clients,
      ),
      base,
    )
  }
  const processes = await Promise.all(Array.from({ length: 32 }, spawn))
  const each = await Promise.all(processes.map((process) => makeMessages(wallet, process, some(1_280) / 32, 512)))
  const mixed = (each[0] ?? []).flatMap((_, i) => each.flatMap((messages) => messages[i] ?? []))
  line(
    '32 processes, 32 clients',
    await client.run(
      mixed.map(({ raw }) => post(raw)),
      32,
    ),
    base,
  )
  client.close()
}

async function pages(stack: Stack): Promise<void> {
  heading('Pages of messages of 2 KB data')
  const client = new Client(stack.url)
  const wallet = makeWallet()
  const process = await makeProcess(wallet)
  await client.send({ method: 'POST', path: '/', body: process.raw })
  const messages = await makeMessages(wallet, process.id, 1_100, 2_048)
  await client.run(
    messages.map(({ raw }) => ({ method: 'POST', path: '/', body: raw })),
    8,
  )
  const page = async (what: string, query: string, count: number, clients: number): Promise<Measured> => {
    const path = `/${process.id}?process-id=${process.id}&${query}`
    const measured = await client.run(
      Array.from({ length: some(count) }, () => ({ path })),
      clients,
    )
    line(what, measured, {})
    return measured
  }
  await page('1000 by nonce, 1 client', 'from-nonce=-1&limit=1000', 60, 1)
  await page('1000 by nonce, 8 clients', 'from-nonce=-1&limit=1000', 120, 8)
  await page('100 at the tail, 1 client', 'from-nonce=1000&limit=100', 200, 1)
  await page('100 from a timestamp, 1 client', 'from=0&limit=100', 200, 1)
  client.close()
}

async function units({ environment }: Stack): Promise<void> {
  heading('Units of DynamoDB, calls of S3')
  for (const { what, write, read, s3 } of await measureUnits(environment)) {
    console.log(
      `  ${what.padEnd(44)}${write.toFixed(1).padStart(6)} W ${read.toFixed(1).padStart(6)} R ${s3.toFixed(1).padStart(6)} S3`,
    )
  }
}

async function history(latencies: readonly { dynamodb: number; s3: number }[]): Promise<void> {
  const sizes = (args.messages ?? (args.quick ? '1000,5000' : '1000,50000')).split(',').map(Number)
  await measureHistory({ some, sizes, latencies })
}

async function all(title: string, latency: { dynamodb: number; s3: number }): Promise<void> {
  if (args.only === 'history') return
  console.log(`\n=== ${title}`)
  if (wanted('writes') || wanted('pages') || (wanted('units') && latency.dynamodb === 0)) {
    await withStack(latency, async (stack) => {
      for (const text of stack.summary.slice(0, 1)) console.log(text)
      if (wanted('writes')) await writes(stack, await baselines(stack))
      if (wanted('pages')) await pages(stack)
      if (wanted('units') && latency.dynamodb === 0) await units(stack)
    })
  }
  if (wanted('hot')) await measureHot({ some, latency, writers: [1, 2, 4, 8, 16, 32, 64] })
  if (wanted('router')) {
    const { instances } = parseOptions(process.env)
    await measureRouter({ some, latency: latency.dynamodb, instances })
  }
}

// It writes into the documentation, so it runs only where it is asked for.
if (args.only === 'costs') {
  await measureCosts()
  process.exit()
}
if (args.latency === undefined) {
  if (wanted('cold')) await measureColdStarts(args.quick ? 3 : 9)
  if (wanted('garbage')) {
    await measureGarbage()
    await measureSignedTags()
    measureRenderings()
  }
  if (wanted('memory')) await measureMemory(some)
}
if (args.latency === undefined && wanted('migration')) {
  await measureMigration(Number(args.messages ?? (args.quick ? 2_000 : 10_000)))
}
if (['cold', 'garbage', 'memory', 'migration'].includes(args.only ?? '')) process.exit()

const [dynamodb = 10, s3 = 30] = (args.latency ?? '10,30').split(',').map(Number)
if (args.latency === undefined) await all('This machine', { dynamodb: 0, s3: 0 })
await all(`With ${dynamodb} ms a call of DynamoDB and ${s3} ms of S3 added, as on AWS`, { dynamodb, s3 })
const withLatency = { dynamodb, s3 }
if (wanted('history')) {
  await history(args.latency === undefined ? [{ dynamodb: 0, s3: 0 }, withLatency] : [withLatency])
}
