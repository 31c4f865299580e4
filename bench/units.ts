/** What a request costs in DynamoDB's units and S3 calls, by AWS's rules: one unit in this process, on the stack's stores. */
import { createSigner } from '../core/ans104/signer.ts'
import { openPage } from '../core/read/page.ts'
import { postItem } from '../core/schedule/post.ts'
import type { DynamoDb } from '../db/dynamodb/client.ts'
import { parseSuConfig } from '../functions/config/functions.ts'
import { createLogger } from '../functions/telemetry/logger.ts'
import { createSuParts } from '../functions/wiring/su.ts'
import { type UnitsInput, type UnitsOutput, unitsOf } from './capacity.ts'
import { makeMessages, makeProcess, makeWallet } from './items.ts'

export interface Units {
  what: string
  /** Write and read request units for each message (or page). */
  write: number
  read: number
  s3: number
}

/** Counts what every command of this client costs from now on. */
export function countUnits({ client }: Pick<DynamoDb, 'client'>): { write: number; read: number } {
  const total = { write: 0, read: 0 }
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const answer = await next(args)
        const { write, read } = unitsOf(commandName, args.input as UnitsInput, answer.output as UnitsOutput)
        total.write += write
        total.read += read
        return answer
      },
    { step: 'initialize', name: 'units' },
  )
  return total
}

export async function measureUnits(environment: Readonly<Record<string, string>>): Promise<Units[]> {
  const config = parseSuConfig(environment)
  const calls = { s3: 0 }
  let total = { write: 0, read: 0 }
  const parts = createSuParts(config, createLogger({ level: 'silent' }, { service: 'bench' }), {
    onDynamoDb: (db) => {
      total = countUnits(db)
    },
    onS3: (client) => {
      client.middlewareStack.add(
        (next) => (args) => {
          calls.s3++
          return next(args)
        },
        { step: 'initialize', name: 'calls' },
      )
    },
  })
  const { scheduler, reading } = parts
  const deadline = () => Date.now() + 20_000
  const wallet = makeWallet()
  const process = await makeProcess(wallet)
  await postItem(scheduler, process.raw, deadline())
  const measured: Units[] = []
  const measure = async (what: string, count: number, run: () => Promise<unknown>) => {
    const before = { ...total, ...calls }
    await run()
    measured.push({
      what,
      write: (total.write - before.write) / count,
      read: (total.read - before.read) / count,
      s3: (calls.s3 - before.s3) / count,
    })
  }
  const one = async (bytes: number) => {
    for (const { raw } of await makeMessages(wallet, process.id, 20, bytes)) await postItem(scheduler, raw, deadline())
  }
  await measure('spawn', 1, async () => postItem(scheduler, (await makeProcess(wallet)).raw, deadline()))
  await measure('message, 0.5 KB of data', 20, () => one(512))
  await measure('message, 2 KB of data', 20, () => one(2_048))
  await measure('message, 50 KB of data', 20, () => one(51_200))
  await measure('message, 2 KB, 24 at once in one instance', 24, async () => {
    const messages = await makeMessages(wallet, process.id, 24, 2_048)
    await Promise.all(messages.map(({ raw }) => postItem(scheduler, raw, deadline())))
  })
  await measure('page of the last 20', 1, async () => {
    const head = await reading.log.head(process.id)
    if (!head) throw new Error('the process is gone')
    const page = await openPage(reading, head, { limit: 20, showAnchor: false, by: 'nonce', from: head.next - 21 })
    for await (const _ of await page.json());
  })
  return measured
}

/** The signer of the environment's wallet: the bare rate that a hash chain allows. */
export const walletOf = (environment: Readonly<Record<string, string>>) =>
  createSigner(parseSuConfig(environment).wallet.reveal())
