/** The whole stack in one command: up, ready when it says so, gone without a trace, with its data there again. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, onTestFinished, test } from 'vitest'
import { localCredentials, localRegion } from '../../local/dynamodb.ts'
import { freePort } from '../../local/free-port.ts'
import { parseOptions } from '../../local/options.ts'
import { startPostgres } from '../../local/postgres/server.ts'
import { isAlive } from '../../local/processes/ending.ts'
import { startStack } from '../../local/stack.ts'
import { descendants, exited, gone, health, ready, run, workingOn } from './command.ts'
import { temporaryDir } from './host.ts'

const heads = (dir: string) => {
  const { HEADS_TABLE: TableName = '', DYNAMODB_ENDPOINT } = JSON.parse(readFileSync(join(dir, 'env.json'), 'utf8'))
  const client = new DynamoDBClient({
    endpoint: DYNAMODB_ENDPOINT ?? '',
    region: localRegion,
    credentials: localCredentials,
  })
  const Key = { process: { S: 'kept' }, row: { S: 'test' } }
  return {
    put: () => client.send(new PutItemCommand({ TableName, Item: Key })),
    isThere: async () => (await client.send(new GetItemCommand({ TableName, Key }))).Item !== undefined,
  }
}

test('it is not healthy before it is ready, and a kill -9 leaves nothing running, nothing lost and nothing in the way', async () => {
  const dir = await temporaryDir()
  const variables = { STATE_DIR: dir, PORT: String(await freePort()) }
  const first = run(variables)
  const statuses = new Set<number>()
  await expect
    .poll(
      async () => {
        const status = await health(first.url)
        statuses.add(status)
        return status
      },
      { timeout: 30_000, interval: 10 },
    )
    .toBe(200)
  expect([...statuses].filter((status) => ![0, 503, 200].includes(status))).toEqual([])
  const wallet = readFileSync(join(dir, 'wallet.json'), 'utf8')
  expect(statSync(join(dir, 'wallet.json')).mode & 0o777).toBe(0o600)
  await heads(dir).put()

  const refused = run({ ...variables, PORT: String(await freePort()) })
  expect(await exited(refused)).toBe(1)
  expect(refused.said()).toContain('Another stack is running')

  const left = descendants(first.process.pid ?? 0)
  // The reaper, DynamoDB Local, Postgres and its own, six instances at least.
  expect(left.length).toBeGreaterThan(10)
  first.process.kill('SIGKILL')
  const second = run(variables)
  await ready(second)
  expect(left.filter(isAlive)).toEqual([])
  expect(await heads(dir).isThere()).toBe(true)
  expect(readFileSync(join(dir, 'wallet.json'), 'utf8')).toBe(wallet)

  const rest = descendants(second.process.pid ?? 0)
  second.process.kill('SIGINT')
  expect(await exited(second)).toBe(0)
  await gone(rest)

  const fresh = run(variables, 'node local/start.ts --fresh')
  await ready(fresh)
  expect(await heads(dir).isThere()).toBe(false)
  expect(readFileSync(join(dir, 'wallet.json'), 'utf8')).toBe(wallet)
})

test('a kill -9 while it starts leaves nothing either, and the next start is not disturbed', async () => {
  const dir = await temporaryDir()
  const variables = { STATE_DIR: dir, PORT: String(await freePort()) }
  for (const ms of [150, 500, 1_000]) {
    const killed = run(variables)
    await new Promise((resolve) => setTimeout(resolve, ms))
    killed.process.kill('SIGKILL')
    await expect.poll(() => workingOn(dir), { timeout: 15_000, interval: 50 }).toEqual([])
  }
  await ready(run(variables))
})

test('it ends with the npm that started it', async () => {
  const dir = await temporaryDir()
  const port = String(await freePort())
  const started = run({ STATE_DIR: dir, PORT: port, npm_lifecycle_event: 'start' }, 'sh node local/start.ts; true')
  await ready(started)
  const left = descendants(started.process.pid ?? 0)
  started.process.kill('SIGKILL')
  await gone(left)
})

test('a wrong configuration ends the start with a sentence, and so does a port that is taken', async () => {
  const wrong = run({ STATE_DIR: await temporaryDir(), PORT: String(await freePort()), UPLOAD_NODE_URL: 'nonsense' })
  expect(await exited(wrong)).toBe(1)
  expect(wrong.said()).toBe('UPLOAD_NODE_URL must be an address that begins with http:// or https://.\n')

  const helped = run({ STATE_DIR: await temporaryDir() }, 'node local/start.ts --help')
  expect(await exited(helped)).toBe(0)
  expect(helped.said()).toContain('Usage: npm start')

  const nonsense = run({ STATE_DIR: await temporaryDir(), INSTANCES: 'many' })
  expect(await exited(nonsense)).toBe(1)
  expect(nonsense.said()).toBe('INSTANCES must be a whole number from 1 to 1000.\n')

  const other = run({ STATE_DIR: await temporaryDir(), PORT: String(await freePort()) })
  await ready(other)
  const taken = run({ STATE_DIR: await temporaryDir(), PORT: new URL(other.url).port })
  expect(await exited(taken)).toBe(1)
  expect(taken.said()).toContain('is taken')
})

test('a database that is given is used, with its tables made, and no other is started', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const dir = await temporaryDir()
  const notes: string[] = []
  const options = {
    ...parseOptions({ STATE_DIR: dir, PORT: '0', INSTANCES: '1', DATABASE_URL: postgres.url }),
    stateDir: dir,
  }
  const stack = await startStack(options, { line() {}, note: (message) => notes.push(message) })
  onTestFinished(() => stack.stop())
  expect(stack.postgres).toBeUndefined()
  expect(existsSync(join(dir, 'postgres'))).toBe(false)
  expect(stack.environment.DATABASE_URL).toBe(postgres.url)
  expect(stack.environment.NEON_PROXY_URL).toMatch(/^http:\/\/127/)
  expect(notes.join()).not.toContain('could not')
  expect(await health(stack.url)).toBe(200)
  expect(stack.pids('su')).toHaveLength(1)
})

test('a database that is away does not keep the unit from starting', async () => {
  const dir = await temporaryDir()
  const away = `postgres://su:su@127.0.0.1:${await freePort()}/su`
  const notes: string[] = []
  const options = parseOptions({ STATE_DIR: dir, PORT: '0', INSTANCES: '1', DATABASE_URL: away })
  const stack = await startStack(options, { line() {}, note: (message) => notes.push(message) })
  onTestFinished(() => stack.stop())
  expect(await health(stack.url)).toBe(200)
  expect(notes.join()).toContain('could not be brought up to date')
})
