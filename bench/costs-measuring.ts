/** Measures what bench/costs.ts counts with: a stack with AWS's latencies, few requests, and DynamoDB's units on the wire. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { QueryCommand } from '@aws-sdk/client-dynamodb'
import { createDynamoDb } from '../db/dynamodb/client.ts'
import type { UnitFunctionName } from '../infra/functions.ts'
import type { AwsCall, DynamoDbExchange } from '../local/aws-calls.ts'
import { parseOptions } from '../local/options.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { rowBytes, unitsOf, writeUnitsOf } from './capacity.ts'
import { type Call, costTables, type MeasuredCosts, measuredFile, writeCosts } from './costs.ts'
import { makeMessages, makeProcess, makeWallet, type Post } from './items.ts'
import { Client } from './load.ts'
import { LATENCY } from './prices.ts'
import { processorTimes } from './processor.ts'

const MESSAGE_BYTES = 2_048
const ALONE = 12
const WRITERS = 8
const HOT = 96
const PAGE = 100
/** Longer than the relay's window, so that each message has an invocation to itself, ms. */
const GAP_MS = 2_500
const PATIENCE_MS = 60_000

/** What a function did since the last reset. */
interface Tally extends Call {
  recordReads: number
  dynamodbCalls: number
  /** Of each request that was answered, ms. */
  requests: number[]
}

type Tallies = ReturnType<typeof openTallies>

function openTallies() {
  const tallies = new Map<string, Tally>()
  const none = { writes: 0, reads: 0, puts: 0, gets: 0, ms: 0, logBytes: 0, recordReads: 0, dynamodbCalls: 0 }
  const of = (name: string): Tally => {
    const tally = tallies.get(name) ?? { ...none, requests: [] }
    tallies.set(name, tally)
    return tally
  }
  return {
    of,
    reset: () => tallies.clear(),
    onDynamoDb({ caller, operation, request, answer }: DynamoDbExchange) {
      const tally = of(caller)
      const { read } = unitsOf(`${operation}Command`, request as object, answer as object)
      tally.writes += writeUnitsOf(operation, request)
      tally.reads += read
      if (operation === 'BatchGetItem') tally.recordReads += read
      tally.dynamodbCalls++
    },
    onCall({ caller, action, on }: AwsCall) {
      if ('bucket' in on) of(caller)[action === 's3:PutObject' ? 'puts' : 'gets']++
    },
    line(source: string, text: string) {
      // A function and its instance.
      const tally = of(source.split(' ')[0] ?? source)
      tally.logBytes += text.length + 1
      if (text.includes('"message":"request"')) tally.requests.push((JSON.parse(text) as { ms: number }).ms)
    },
    /** One of `times` calls alike. */
    call(name: UnitFunctionName, times: number, ms = median(of(name).requests)): Call {
      const { writes, reads, puts, gets, logBytes } = of(name)
      const each = (value: number) => Math.round((100 * value) / times) / 100
      return {
        writes: each(writes),
        reads: each(reads),
        puts: each(puts),
        gets: each(gets),
        ms: Math.round(ms),
        logBytes: each(logBytes),
      }
    },
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** Measures, writes bench/costs-measured.json and the tables of docs/deploy.md, and prints these. */
export async function measureCosts(): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-bench-'))
  const shape = { LOG_LEVEL: 'info', INSTANCES: String(WRITERS), CONCURRENCY: '1', STATE_DIR: stateDir, PORT: '0' }
  const options = parseOptions({ ...process.env, ...shape })
  const tallies = openTallies()
  const { onDynamoDb, onCall, line } = tallies
  const stack = await startStack({ ...options, port: 0, latency: LATENCY, onDynamoDb, onCall }, { line, note() {} })
  const client = new Client(stack.url)
  try {
    const measured = await measure(stack, client, tallies)
    writeFileSync(measuredFile, `${JSON.stringify(measured, undefined, 2)}\n`)
    writeCosts()
    console.log(costTables(measured))
  } finally {
    client.close()
    await stack.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

async function measure(stack: Stack, client: Client, { of, reset, call }: Tallies): Promise<MeasuredCosts> {
  const wallet = makeWallet()
  let posted = 0
  const post = async (items: readonly Post[], clients: number) => {
    const requests = items.map(({ raw }) => ({ method: 'POST', path: '/', body: raw }) as const)
    const { refused } = await client.run(requests, clients)
    if (refused.size > 0) throw new Error(`The unit refused: ${[...refused].join(' ')}. Look at its log.`)
    posted += items.length
  }
  const spawn = async () => {
    const process = await makeProcess(wallet)
    await post([process], 1)
    return process.id
  }
  const bundled = () => stack.gateway?.uploads().filter(({ path }) => path.startsWith('/tx')) ?? []
  /** Until the relay has uploaded everything. */
  const relayed = async () => {
    for (const end = Date.now() + PATIENCE_MS; new Set(bundled().map(({ id }) => id)).size < 2 * posted; ) {
      if (Date.now() > end) throw new Error('The relay did not upload everything in a minute. Look at its log.')
      await sleep(100)
    }
    await sleep(GAP_MS)
  }
  const processorOf = (name: UnitFunctionName): number => {
    const own = new Set(stack.pids(name))
    return processorTimes((pid) => (own.has(pid) ? 'own' : 'other')).get('own') ?? 0
  }

  const hotProcess = await spawn()
  await post(await makeMessages(wallet, hotProcess, 64, MESSAGE_BYTES), WRITERS)
  const quiet = await spawn()
  await relayed()

  reset()
  const before = { uploads: bundled().length, processor: processorOf('relay') }
  const alone = await makeMessages(wallet, quiet, ALONE, MESSAGE_BYTES)
  for (const one of alone) {
    await post([one], 1)
    await sleep(GAP_MS)
  }
  await relayed()
  const message = call('su', ALONE)
  // The stand-in of the bundler answers at once: what is left is the processor, and waiting for DynamoDB.
  const { dynamodbCalls, recordReads } = of('relay')
  const worked = processorOf('relay') - before.processor
  const relay = call('relay', ALONE, (worked + dynamodbCalls * LATENCY.dynamodb) / ALONE)
  const uploaded = bundled().slice(before.uploads)

  reset()
  await post(await makeMessages(wallet, hotProcess, HOT, MESSAGE_BYTES), WRITERS)
  await relayed()
  const hot = call('su', HOT)

  reset()
  const query = `process-id=${hotProcess}&from-nonce=-1&limit=${PAGE}`
  const { body } = await client.send({ path: `/${hotProcess}?${query}` })
  await sleep(GAP_MS)
  const page = { ...call('su', 1), messages: PAGE, bytes: body.length, compressedBytes: gzipSync(body).length }

  reset()
  const began = performance.now()
  await stack.invoke('height', {})
  const height = call('height', 1, performance.now() - began)

  const mean = (values: readonly number[]) => Math.round(values.reduce((sum, one) => sum + one, 0) / ALONE)
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${availableParallelism()} cores, Node ${process.versions.node}`,
    message,
    hot,
    relay: { ...relay, recordReads: recordReads / ALONE },
    uploadedBytes: mean(uploaded.map(({ size }) => size)),
    postedBytes: mean(alone.map(({ raw }) => raw.length)),
    page,
    height,
    processBytes: await bytesOf(stack, quiet),
  }
}

/** Of a process's rows in the table of heads. */
async function bytesOf({ environment }: Stack, id: string): Promise<number> {
  const { HEADS_TABLE: heads = '', RECORDS_TABLE: records = '', IDS_TABLE: ids = '', DYNAMODB_ENDPOINT } = environment
  const { client } = createDynamoDb({ heads, records, ids }, DYNAMODB_ENDPOINT)
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: heads,
      KeyConditionExpression: '#process = :process',
      ExpressionAttributeNames: { '#process': 'process' },
      ExpressionAttributeValues: { ':process': { S: id } },
    }),
  )
  client.destroy()
  return Items.reduce((sum, row) => sum + rowBytes(row), 0)
}
