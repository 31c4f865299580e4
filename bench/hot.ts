/**
 * Many writers to one process: how fast, at what cost, and where the processor time of a message goes. Signatures are counted by
 * the functions' own metrics; write units by AWS's rules, where a proxy stands before DynamoDB anyway to slow it down.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DynamoDbExchange } from '../local/aws-calls.ts'
import type { StackLog } from '../local/log.ts'
import { parseOptions } from '../local/options.ts'
import { type Stack, startStack } from '../local/stack.ts'
import { writeUnitsOf } from './capacity.ts'
import { makeMessages, makeProcess, makeWallet } from './items.ts'
import { Client } from './load.ts'
import { processorTimes } from './processor.ts'
import { heading, line } from './report.ts'

const counters = ['signatures', 'messages_scheduled', 'commits', 'commit_conflicts', 'submissions'] as const
type Counts = Record<(typeof counters)[number], number>

/** A log that adds up what the functions say in CloudWatch's metric format. */
function countingLog(): { log: StackLog; counts: Counts } {
  const counts: Counts = { signatures: 0, messages_scheduled: 0, commits: 0, commit_conflicts: 0, submissions: 0 }
  const log: StackLog = {
    line(_, text) {
      if (!text.includes('"_aws"')) return
      const metrics: Record<string, unknown> = JSON.parse(text)
      for (const name of counters) {
        for (const value of [metrics[name]].flat()) counts[name] += typeof value === 'number' ? value : 0
      }
    },
    note() {},
  }
  return { log, counts }
}

export interface HotOptions {
  some(count: number): number
  latency: { dynamodb: number; s3: number }
  /** How many write at once, one run for each. */
  writers: readonly number[]
}

/** The shape is INSTANCES and CONCURRENCY, as with the stack. */
export async function measureHot({ some, latency, writers }: HotOptions): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-bench-'))
  const options = parseOptions({ LOG_LEVEL: 'warn', ...process.env, STATE_DIR: stateDir, PORT: '0' })
  const { log, counts } = countingLog()
  let writeUnits = 0
  const isSlowed = latency.dynamodb > 0
  const onDynamoDb = ({ operation, request }: DynamoDbExchange) => {
    writeUnits += writeUnitsOf(operation, request)
  }
  const stack = await startStack({ ...options, port: 0, latency, ...(isSlowed && { onDynamoDb }) }, log)
  const client = new Client(stack.url)
  const wallet = makeWallet()
  const run = async (count: number, clients: number) => {
    const process = await makeProcess(wallet)
    await client.send({ method: 'POST', path: '/', body: process.raw })
    const messages = await makeMessages(wallet, process.id, count, 512)
    await sleep(2_000)
    const before = { ...counts, writeUnits, times: timesOf(stack) }
    const measured = await client.run(
      messages.map(({ raw }) => ({ method: 'POST', path: '/', body: raw })),
      clients,
    )
    const times = timesOf(stack)
    // Who commits for the others says so when he is done, a while after the last answer.
    const isCounted = () => counts.messages_scheduled - before.messages_scheduled >= count
    for (const end = Date.now() + 10_000; !isCounted() && Date.now() < end; ) await sleep(100)
    await sleep(500)
    const each = (total: number, was: number) => (total - was) / count
    const processor = [...times].map(([name, ms]) => [name, each(ms, before.times.get(name) ?? 0)] as const)
    return {
      measured,
      signatures: each(counts.signatures, before.signatures),
      commits: each(counts.commits, before.commits),
      conflicts: each(counts.commit_conflicts, before.commit_conflicts),
      units: each(writeUnits, before.writeUnits),
      processor: processor.filter(([, ms]) => ms >= 0.05).sort((a, b) => b[1] - a[1]),
    }
  }
  try {
    heading(`One process, ${options.instances} instances of ${options.concurrency}, messages of 0.5 KB data`)
    await run(some(2_000), Math.max(...writers))
    for (const clients of writers) {
      const { measured, signatures, commits, conflicts, units, processor } = await run(
        some(Math.min(1_200, 200 + 60 * clients)),
        clients,
      )
      line(`${clients} ${clients === 1 ? 'client' : 'clients'}`, measured, {})
      const counted = `signatures ${signatures.toFixed(2)}, commits ${commits.toFixed(2)}, lost ${conflicts.toFixed(2)}`
      const times = processor.map(([name, ms]) => `${name} ${ms.toFixed(1)}`).join(', ')
      console.log(`      a message: ${counted}${isSlowed ? `, ${units.toFixed(1)} W` : ''}; processor ms: ${times}`)
    }
  } finally {
    client.close()
    await stack.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

const timesOf = (stack: Stack): Map<string, number> => {
  const [su, relay] = [new Set(stack.pids('su')), new Set(stack.pids('relay'))]
  return processorTimes((pid, command) => {
    if (su.has(pid)) return 'functions'
    if (relay.has(pid)) return 'relay'
    if (command === 'java') return 'DynamoDB'
    if (command === 'postgres') return 'Postgres'
    return pid === process.pid ? 'client, hosts, stand-ins' : 'other'
  })
}
