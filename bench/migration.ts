/**
 * Moving in: a Rust unit's Postgres, made for it and signed throughout, is brought into DynamoDB and S3. Beside it what nothing can beat: the
 * rows read and nothing done with them, and the signatures that an audit verifies.
 */
import type { Signer } from '../core/ans104/signer.ts'
import type { MigrationDeps } from '../core/migration/deps.ts'
import { migrate } from '../core/migration/migrate.ts'
import type { MigrationOrder } from '../core/migration/order.ts'
import { systemClock as clock } from '../core/ports/clock.ts'
import { createDynamoDb } from '../db/dynamodb/client.ts'
import { createLogImport } from '../db/dynamodb/log-import.ts'
import { createLogStore } from '../db/dynamodb/log-store.ts'
import { createRelayStore } from '../db/dynamodb/relay-store.ts'
import { openRustLog } from '../db/rust/log-source.ts'
import { openBucket } from '../functions/wiring/blobs.ts'
import { startDynamoDb } from '../local/dynamodb.ts'
import { openKeeper } from '../local/processes/keeper.ts'
import { startS3 } from '../local/s3.ts'
import { OldUnit } from '../test/core/migration/old-unit.ts'
import { type RustPostgres, startRustPostgres } from '../test/db/rust/world.ts'
import { makeWallet } from './items.ts'
import { figure, heading, megabytes } from './report.ts'
import { countUnits } from './units.ts'

/** As many as a Rust unit of some size has in flight: a few long ones, and many short. */
const LONG = 4
const SHORT = 40
const DATA_BYTES = 2_048
/** Rows signed ahead of what is written to Postgres. */
const TOGETHER = 500
/** What a Lambda of this function is given, MB. */
const GIVEN = 1_769

export async function measureMigration(messages: number): Promise<void> {
  const keeper = await openKeeper()
  const postgres = await startRustPostgres()
  const dynamodb = await startDynamoDb({ keeper })
  const s3 = await startS3()
  try {
    const signer = makeWallet()
    const address = await postgres.emptyUnit()
    await fill(postgres, address, signer, messages)

    const { HEADS_TABLE = '', RECORDS_TABLE = '', IDS_TABLE = '' } = dynamodb.variables
    const db = createDynamoDb({ heads: HEADS_TABLE, records: RECORDS_TABLE, ids: IDS_TABLE }, dynamodb.url)
    const units = countUnits(db)
    const { blobs } = openBucket({ s3Endpoint: s3.url, bucket: s3.variables.BUCKET ?? '' })
    const source = openRustLog({ address })
    const deps: MigrationDeps = {
      source,
      log: createLogStore(db, signer.owner),
      imports: createLogImport(db, signer.owner),
      blobs,
      relay: createRelayStore(db),
      gateway: nobody,
      clock,
      owner: signer.owner,
    }
    heading(`Moving in: ${messages} messages of 2 KB`)
    figure('rows read, nothing done', await rate(messages, () => readAll(source)), 'a second')
    await step(deps, 'audited', messages, { auditOnly: true })
    const before = { ...units }
    await step(deps, 'audited, copied, read back', messages, {})
    figure('write units', (units.write - before.write) / messages, 'a message')
    figure('read units', (units.read - before.read) / messages, 'a message')
    await step(deps, 'the same again: compared', messages, {})
    await source.close()
    db.client.destroy()
  } finally {
    await s3.stop()
    await dynamodb.stop()
    await postgres.stop()
    await keeper.close()
  }
}

/** No transaction is assigned here. */
const nobody: MigrationDeps['gateway'] = {
  transaction: async () => undefined,
  confirmations: async () => undefined,
  data: async () => undefined,
}

async function rate(count: number, work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now()
  await work()
  return (count * 1_000) / (performance.now() - begin)
}

async function step(
  deps: MigrationDeps,
  what: string,
  messages: number,
  order: Partial<MigrationOrder>,
): Promise<void> {
  const peaks = watchMemory()
  const perSecond = await rate(messages, async () => {
    const answer = await migrate(
      deps,
      { rows: { from: 0 }, auditOnly: false, ending: 'open', despiteFaults: false, ...order },
      { deadline: Number.POSITIVE_INFINITY },
      { onProcess() {}, onProgress() {} },
    )
    if (!answer.done || answer.faults > 0) throw new Error(JSON.stringify(answer))
  })
  const [first, second] = peaks()
  figure(what, perSecond, 'a second')
  megabytes('  peak in the first half of the time', first, GIVEN)
  megabytes('  and in the second', second, GIVEN)
}

/** Resident memory of this process, which holds the S3 server too, several times a second. Gives the peaks of both halves. */
function watchMemory(): () => [number, number] {
  const seen: number[] = []
  const timer = setInterval(() => seen.push(process.memoryUsage.rss()), 50)
  return () => {
    clearInterval(timer)
    const middle = Math.ceil(seen.length / 2)
    return [Math.max(0, ...seen.slice(0, middle)), Math.max(0, ...seen.slice(middle))]
  }
}

async function readAll(source: MigrationDeps['source']): Promise<void> {
  for await (const ids of source.processes({ from: 0 })) {
    for (const id of ids) for await (const _ of source.messages(id, { from: 0 }, 0));
  }
}

async function fill(postgres: RustPostgres, address: string, signer: Signer, messages: number): Promise<void> {
  const old = new OldUnit(signer, makeWallet())
  const processes = await Promise.all(Array.from({ length: LONG + SHORT }, () => old.spawn()))
  await postgres.add(address, { processes: old.processes })
  const data = Buffer.alloc(DATA_BYTES, 'x')
  for (let left = messages; left > 0; left -= TOGETHER) {
    // Four of five messages are to one of the long ones. Links of a chain are signed one after the other, chains beside each other.
    const shares = new Map<string, number>()
    for (let i = 0; i < Math.min(TOGETHER, left); i++) {
      const process = processes[i % 5 === 0 ? LONG + (Math.floor(i / 5) % SHORT) : i % LONG] ?? ''
      shares.set(process, (shares.get(process) ?? 0) + 1)
    }
    await Promise.all(
      [...shares].map(async ([process, count]) => {
        for (let i = 0; i < count; i++) await old.post(process, { data })
      }),
    )
    await postgres.add(address, { messages: old.messages.splice(0) })
  }
}
