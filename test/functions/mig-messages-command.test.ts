/** The operator's command, as a process of its own, from a Rust unit's Postgres into a unit's stores. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDynamoDb } from '../../db/dynamodb/client.ts'
import { createIdentityStore } from '../../db/dynamodb/identity-store.ts'
import { createLogStore } from '../../db/dynamodb/log-store.ts'
import { parseMigConfig } from '../../functions/config/functions.ts'
import { createMessagesParts } from '../../functions/wiring/migration.ts'
import { tables } from '../../infra/tables.ts'
import { type LocalDynamoDb, localCredentials, localRegion, startDynamoDb } from '../../local/dynamodb.ts'
import { type LocalS3, startS3 } from '../../local/s3.ts'
import { openEnvironments } from '../../operator/environments.ts'
import { openReport } from '../../operator/mig/report-file.ts'
import { run } from '../../operator/mig/run.ts'
import { createOldUnit, suSigner } from '../core/migration/world.ts'
import { type RustPostgres, startRustPostgres } from '../db/rust/world.ts'
import { send, startOutsideServer } from '../network/outside-server.ts'
import { service } from '../services.ts'

let rust: RustPostgres
let dynamodb: LocalDynamoDb
let s3: LocalS3
let gateway: Awaited<ReturnType<typeof startOutsideServer>>
let stateDir: string
let log: ReturnType<typeof createLogStore>
let begin: () => Promise<unknown>
beforeAll(async () => {
  gateway = await startOutsideServer((_, response) => send(response, 200, { data: { transactions: { edges: [] } } }))
  ;[rust, dynamodb, s3] = await Promise.all([
    startRustPostgres((await service('postgres')).databaseUrl),
    startDynamoDb({ tables }),
    startS3(),
  ])
  stateDir = mkdtempSync(join(tmpdir(), 'mig-'))
  const aws = {
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  }
  Object.assign(process.env, aws)
  const environment = {
    ...aws,
    ...dynamodb.variables,
    ...s3.variables,
    DYNAMODB_ENDPOINT: dynamodb.url,
    S3_ENDPOINT: s3.url,
    GATEWAY_URL: gateway.url,
    URL: 'https://su.example',
  }
  writeFileSync(join(stateDir, 'env.json'), JSON.stringify(environment))
  const { HEADS_TABLE = '', RECORDS_TABLE = '', IDS_TABLE = '' } = dynamodb.variables
  const db = createDynamoDb({ heads: HEADS_TABLE, records: RECORDS_TABLE, ids: IDS_TABLE }, dynamodb.url)
  log = createLogStore(db, suSigner.owner)
  const identity = createIdentityStore(db)
  begin = async () =>
    identity.begin({
      wallet: suSigner.address,
      owner: suSigner.owner,
      tables: await identity.actualTables(),
      generation: 1,
    })
})
afterAll(async () => {
  await Promise.all([rust.stop(), dynamodb.stop(), s3.stop(), gateway.close()])
  rmSync(stateDir, { recursive: true, force: true })
})

interface How {
  variables?: Record<string, string>
  /** Called with all that standard error has so far, and the process id. */
  onSaid?: (said: string, pid: number) => void
}

async function mig(args: readonly string[], { variables = {}, onSaid }: How = {}) {
  const child = spawn(process.execPath, ['operator/mig.ts', ...args], {
    env: { PATH: process.env.PATH, STATE_DIR: stateDir, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
    onSaid?.(said.err, child.pid ?? 0)
  })
  const [code] = await once(child, 'close')
  return { ...said, code }
}

const reportIn = (file: string) =>
  JSON.parse(readFileSync(file, 'utf8')) as {
    order: object
    processes: { process: string; outcome: string; faults: object[] }[]
    answer: { done: boolean } | null
  }

describe('npm run mig -- 0', () => {
  it('refuses a unit whose log was never begun, and changes nothing', async () => {
    const from = await rust.restore('rust-su')
    expect(await mig(['0', '--from', from])).toMatchObject({
      code: 1,
      err: expect.stringContaining('was never begun: start the unit once.'),
    })
    await begin()
  })

  it('looks, brings all of it in, says so, and may do it again', async () => {
    const from = await rust.restore('rust-su')
    const file = join(stateDir, 'report.json')
    const audit = await mig(['0', '--from', from, '--audit-only', '--json'])
    expect(audit.code).toBe(0)
    expect(JSON.parse(audit.out)).toMatchObject({ done: true, outcomes: { sound: 5 }, copied: 0, faults: 0 })

    const copied = await mig(['0', '--live', '--report', file], { variables: { MIGRATION_SOURCE_URL: from } })
    // Standard error is no terminal here: no bar, and a line of progress only every so often.
    expect(copied).toMatchObject({ code: 0, err: expect.not.stringContaining('[#') })
    expect(copied.out).toMatch(
      /^5 processes: 5 frozen\.\n52 records brought in, 0 there already, 0 faults, \d+ notices?\.\n$/,
    )
    const report = reportIn(file)
    expect(report.processes).toHaveLength(5)
    expect(report).toMatchObject({
      order: { rows: { from: 0 }, ending: 'frozen', auditOnly: false },
      answer: { done: true, copied: 52 },
    })
    const [{ process: first } = { process: '' }] = report.processes
    expect(await log.head(first)).toMatchObject({ state: 'frozen' })

    const opened = await mig([
      '0',
      '--from',
      from,
      '--process',
      report.processes.map(({ process }) => process).join(','),
    ])
    expect(opened.code).toBe(0)
    expect(opened.out).toMatch(/^5 processes: 5 open\.\n0 records brought in, 52 there already, 0 faults/)
    expect(await log.head(first)).toMatchObject({ state: 'open' })
    for (const { out, err } of [audit, copied, opened]) expect(out + err).not.toContain(from)
    expect(readFileSync(file, 'utf8')).not.toContain('postgres')
  })

  it('says each fault by process, nonce and kind, and fails', async () => {
    const old = createOldUnit()
    const [sound, broken] = [await old.spawn({ data: 'sound' }), await old.spawn({ data: 'broken' })]
    for (let i = 0; i < 3; i++) for (const process of [sound, broken]) await old.post(process, { data: `${i}` })
    const from = await rust.emptyUnit()
    await rust.add(from, old)
    await rust.query(from, 'delete from messages where process_id = $1 and nonce = 2', [broken])
    const file = join(stateDir, 'faults.json')
    const found = await mig(['0', '--from', from, '--report', file])
    expect(found).toMatchObject({ code: 1, out: expect.stringContaining('2 processes: ') })
    expect(found.err).toMatch(new RegExp(`^${broken} nonce 2: missing: .+$`, 'm'))
    expect(found.err).toContain(`${broken} is left out: it has 1 fault.`)
    expect(reportIn(file).processes).toContainEqual(
      expect.objectContaining({
        process: broken,
        outcome: 'left-out',
        faults: [expect.objectContaining({ process: broken, nonce: 2, kind: 'missing', what: expect.any(String) })],
      }),
    )
    expect(await log.head(sound)).toMatchObject({ state: 'open', next: 4 })
    expect(await log.head(broken)).toMatchObject({ state: 'incomplete' })
  })

  it('stops when nobody waits any longer, and goes on from there', async () => {
    const old = createOldUnit()
    for (let i = 0; i < 60; i++) await old.post(await old.spawn({ data: `${i}` }), {})
    const from = await rust.emptyUnit()
    await rust.add(from, old)
    const file = join(stateDir, 'stopped.json')
    // A fault early on is what it can be seen by that it is at work.
    await rust.query(
      from,
      `update messages set "timestamp" = 1 where process_id = (select min(process_id collate "C") from messages)`,
    )
    const stopped = await mig(['0', '--from', from, '--report', file], {
      onSaid(said, pid) {
        if (said.includes('nonce 1: row:') && !said.includes('comes to an end')) process.kill(pid, 'SIGINT')
      },
    })
    expect(stopped.code).toBe(1)
    expect(reportIn(file).answer).toMatchObject({ done: false })
    const [, after = ''] = /Go on with --after '(.*)'/.exec(stopped.err) ?? []
    const rest = await mig(['0', '--from', from, '--after', after, '--json'])
    expect(rest.code).toBe(0)
    const { processes, done } = JSON.parse(rest.out)
    expect({ done, all: processes + reportIn(file).processes.length }).toMatchObject({ done: true })
    expect(processes).toBeLessThan(60)
    const all = await mig(['0', '--from', from, '--json'])
    expect(JSON.parse(all.out)).toMatchObject({ copied: 0, outcomes: { open: 59, 'left-out': 1 } })
  })

  it('takes processes over from a unit that refuses them', async () => {
    const old = createOldUnit()
    const process = await old.spawn({ data: 'to be taken over' })
    await old.post(process, { data: 'last' })
    const from = await rust.emptyUnit()
    await rust.add(from, old)
    let frozen = false
    const unit = createServer((request, response) => {
      request.resume()
      response.statusCode = 400
      response.end(
        JSON.stringify({ error: frozen ? `Process ${process} is read_only on this SU` : 'no such transaction' }),
      )
    })
    unit.listen(0, '127.0.0.1')
    await once(unit, 'listening')
    const { port } = unit.address() as AddressInfo
    const file = join(stateDir, 'cut-over.json')
    const call = [
      'cut-over',
      '--from',
      from,
      '--old',
      `http://127.0.0.1:${port}`,
      '--settle-ms',
      '300',
      '--report',
      file,
    ]
    const refused = await mig([...call, '--patience-ms', '1200'])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining(`${process} stays where it is`) })
    expect(await log.head(process)).toMatchObject({ state: 'frozen' })
    frozen = true
    const taken = await mig([...call, '--patience-ms', '20000'])
    expect(taken).toMatchObject({ code: 0, out: '1 open here, 0 not: all is well.\n' })
    expect(await log.head(process)).toMatchObject({ state: 'open', next: 2 })
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
      order: { settleMs: 300 },
      processes: [{ process, kind: 'brought', report: { outcome: 'open', faults: [] } }],
      answer: { well: true, opened: 1 },
    })
    unit.close()
  })

  it('says how it is called', async () => {
    await begin()
    const from = ['--from', 'postgresql://host/db']
    const P = 'p'.repeat(42)
    const calls: [string[], number, string][] = [
      [['0'], 1, 'It is not said where the messages are'],
      [['0-x', ...from], 2, 'RANGE must be rows of the messages'],
      [['9-3', ...from], 2, 'RANGE ends before it begins'],
      [['0', '1', ...from], 2, 'What is 1?'],
      [['--live', ...from], 2, 'Say first what is to be brought in'],
      [['0', '--from', 'http://host'], 2, '--from must be a connection string'],
      [['0', ...from, '--live', '--history-only'], 2, '--live and --history-only'],
      [['0', ...from, '--process', P], 2, '--process.0 must be an id'],
      [['0', ...from, '--reupload-since', 'x'], 2, '--reupload-since is a number'],
      [['0', ...from, '--batch', '0'], 2, '--batch must be a number of rows'],
      [['0', ...from, '--after', '{'], 2, '--after is what an earlier run has said'],
      [['0', ...from, '--force'], 2, '--force'],
      [['0', ...from, '--report', '/nowhere/report'], 1, 'cannot be written to /nowhere/report (ENOENT)'],
      [['0', ...from, '--db', 'a', '--tenants-of', 'http://old'], 2, 'The call has both databases'],
      [['0', ...from, '--tenants-of', 'http://old'], 1, 'set PROCESS_WHITELIST_URL'],
      [['5-7', ...from, '--db', 'a', '--db', 'b'], 1, 'Each database counts its own rows'],
      [['0', ...from, '--unit', '7'], 2, 'no environment of a unit at 7'],
      [['cut-over', ...from], 2, 'Say where the old unit is'],
      [['cut-over', ...from, '--old', 'http://old/path'], 2, 'Say where the old unit is'],
      [['cut-over', ...from, '--old', 'http://old', '--settle-ms', 'x'], 2, '--settle-ms is a number'],
    ]
    for (const [args, code, sentence] of calls) {
      let said = ''
      const environments = openEnvironments({ STATE_DIR: stateDir }, {})
      const exit = await run(args, {
        placements: () => expect.unreachable(),
        messages: (where) => createMessagesParts(parseMigConfig(environments.unit(where))),
        oldUnit: () => expect.unreachable(),
        print: (line) => {
          said += line
        },
        warn: (text) => {
          said += text
        },
        terminal: false,
        interruption: () => new AbortController().signal,
        hint: environments.hint,
      })
      expect({ exit, said }, args.join(' ')).toEqual({ exit: code, said: expect.stringContaining(sentence) })
    }
  })
})

it('a report is whole at any moment', () => {
  const file = join(stateDir, 'whole.json')
  const report = openReport(file, { rows: { from: 0 } })
  expect(reportIn(file)).toEqual({ order: { rows: { from: 0 } }, processes: [], answer: null })
  for (let n = 0; n < 5; n++) {
    report.add({ process: `ä${n}` })
    expect(reportIn(file)).toMatchObject({ processes: { length: n + 1 }, answer: null })
  }
  report.end({ done: true })
  report.close()
  expect(reportIn(file).answer).toEqual({ done: true })
})
