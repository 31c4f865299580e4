/** DynamoDB Local, AWS's own, with tables of infra/tables.ts and their stream. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  CreateTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { type RouterTableName, type TableName, type TableSettings, tables as unitTables } from '../infra/tables.ts'
import { freePort } from './free-port.ts'
import { type Keeper, openKeeper } from './processes/keeper.ts'
import { endOrphan } from './processes/orphans.ts'
import { StartError } from './start-error.ts'

export interface LocalDynamoDb {
  url: string
  port: number
  /** Names of the tables, by the environment variable that functions read. */
  variables: Record<string, string>
  /** Resolves when it has ended, for whatever reason. */
  ended: Promise<void>
  stop(): Promise<void>
}

export interface DynamoDbOptions {
  /** Where it keeps its data; none: in memory. */
  dir?: string
  /** A free one if none is named. */
  port?: number
  keeper?: Keeper
  /** The tables that it makes; those of a unit if none are named. */
  tables?: Readonly<Record<string, TableSettings>>
  /** What its heap may grow to, MB; 1024 if absent. */
  heap?: number
  /** Whether each access key has tables of its own; otherwise all see the same. */
  namespaces?: boolean
  /** Folder with the jars and native libraries of another release; that of the package if absent. */
  release?: string | undefined
}

/** What any client of the stand-ins signs with: they check no signature, and want one all the same. */
export const localCredentials = { accessKeyId: 'local', secretAccessKey: 'local' }
export const localRegion = 'us-east-1'

/** Names of the tables in the local stack. */
export const localTableName = (name: TableName | RouterTableName): string => tableName(name)

const tableName = (name: string): string => `su-${name}`

/**
 * The serial collector and the first compiler tier only: it starts in half the time, and answers its first thousands of requests
 * several times as fast (docs/architecture.md, "The local stack").
 */
const jvmFlags = (heap: number): string[] => [
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  `-Xms${Math.ceil(heap / 4)}m`,
  `-Xmx${heap}m`,
]

/** What java runs, and where the native library of SQLite is. */
const program = (release: string | undefined): string[] => {
  if (release !== undefined) {
    const main = 'software.amazon.dynamodb.services.local.main.ServerRunner'
    return [`-Dsqlite4java.library.path=${resolve(release)}`, '-cp', join(resolve(release), '*'), main]
  }
  const simulator = createRequire(import.meta.url).resolve('amplify-dynamodb-simulator/package.json')
  const home = join(dirname(simulator), 'emulator')
  return [`-Djava.library.path=${join(home, 'DynamoDBLocal_lib')}`, '-jar', join(home, 'DynamoDBLocal.jar')]
}

export const startDynamoDb = async (options: DynamoDbOptions = {}): Promise<LocalDynamoDb> => {
  const keeper = options.keeper ?? (await openKeeper())
  const { tables = unitTables, heap = 1024, port = await freePort() } = options
  const dir = options.dir === undefined ? undefined : resolve(options.dir)
  const workDir = dir ?? mkdtempSync(join(tmpdir(), 'dynamodb-'))
  const pidFile = dir === undefined ? undefined : join(dir, 'java.pid')
  if (dir !== undefined) mkdirSync(dir, { recursive: true })
  if (dir !== undefined && pidFile !== undefined) await endOrphan(pidFile, dir, 'linger')
  if (dir !== undefined) useWriteAheadLog(join(dir, 'shared-local-instance.db'))

  const child = keeper.spawn(
    'java',
    [
      ...jvmFlags(heap),
      ...program(options.release),
      '-port',
      String(port),
      ...(options.namespaces ? [] : ['-sharedDb']),
      '-disableTelemetry',
      ...(dir === undefined ? ['-inMemory'] : ['-dbPath', dir]),
    ],
    // It writes beside its data what it likes to write into its working directory.
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: workDir, ending: 'linger' },
  )
  let said = ''
  const taken = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000)
      // It says so, and goes on running.
      if (said.includes('java.net.BindException')) taken.resolve(`Port ${port}, for DynamoDB Local, is taken.`)
    })
  }
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const failed = Promise.race([
    taken.promise,
    new Promise<string>((resolve) =>
      child.once('error', () => resolve('Java was not found: DynamoDB Local needs Java 17 or later on the PATH.')),
    ),
    exited.then(() => `DynamoDB Local, which needs Java 17 or later, ended while it started: ${said}`),
  ])
  if (pidFile !== undefined && child.pid !== undefined) writeFileSync(pidFile, String(child.pid))

  const url = `http://127.0.0.1:${port}`
  const client = new DynamoDBClient({
    endpoint: url,
    region: localRegion,
    credentials: localCredentials,
    maxAttempts: 1,
  })
  const stop = async (): Promise<void> => {
    await keeper.end(child)
    if (dir === undefined) rmSync(workDir, { recursive: true, force: true })
    if (options.keeper === undefined) await keeper.close()
  }
  const giveUp = new AbortController()
  try {
    const reason = await Promise.race([failed, listening(url, giveUp.signal)])
    if (reason !== undefined) throw new StartError(reason)
    await makeTables(client, tables)
    const variables = Object.fromEntries(
      Object.entries(tables).map(([name, settings]) => [settings.variable, tableName(name)]),
    )
    return { url, port, variables, ended: exited, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    giveUp.abort()
    client.destroy()
  }
}

/**
 * It keeps its data in SQLite, whose journal is a setting of the file: with a write-ahead log a transaction takes
 * a third of the time (docs/architecture.md, "The local stack"), and what is committed survives a kill all the same.
 */
const useWriteAheadLog = (file: string): void => {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.close()
}

/** Resolves when it answers: an unsigned request is refused as soon as it serves. Somebody else may have the port, and answer there. */
const listening = async (url: string, signal: AbortSignal): Promise<undefined> => {
  const deadline = Date.now() + 60_000
  while (!signal.aborted) {
    const said = await fetch(url, { signal }).then(
      (response) => response.text(),
      () => '',
    )
    if (said.includes('com.amazonaws.dynamodb')) return
    if (Date.now() > deadline) throw new Error('DynamoDB Local did not listen within a minute')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Makes those that are not there yet. */
export const makeTables = async (
  client: DynamoDBClient,
  tables: Readonly<Record<string, TableSettings>>,
): Promise<void> => {
  await Promise.all(Object.entries(tables).map(([name, settings]) => makeTable(client, tableName(name), settings)))
}

const makeTable = async (client: DynamoDBClient, name: string, settings: TableSettings): Promise<void> => {
  const keys = [settings.hashKey, ...(settings.rangeKey === undefined ? [] : [settings.rangeKey])]
  const command = new CreateTableCommand({
    TableName: name,
    AttributeDefinitions: keys.map((key) => ({ AttributeName: key, AttributeType: 'S' })),
    KeySchema: keys.map((key, index) => ({ AttributeName: key, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    BillingMode: 'PAY_PER_REQUEST',
    ...(settings.stream === undefined
      ? {}
      : { StreamSpecification: { StreamEnabled: true, StreamViewType: settings.stream } }),
  })
  try {
    await client.send(command)
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  if (settings.expiry !== undefined) await forgetAfter(client, name, settings.expiry)
}

/** Rows are forgotten some time after what this attribute says. */
const forgetAfter = async (client: DynamoDBClient, TableName: string, AttributeName: string): Promise<void> => {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }))
  if (TimeToLiveDescription?.AttributeName === AttributeName) return
  const TimeToLiveSpecification = { AttributeName, Enabled: true }
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
}
