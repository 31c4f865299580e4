/** The operator's command, as a process of its own, from a Rust router's Postgres into DynamoDB. */
import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PlacementStore } from '../../core/ports/placement-store.ts'
import { openPlacements } from '../../functions/wiring/placements.ts'
import { buildFunction } from '../../infra/build.ts'
import { functions } from '../../infra/functions.ts'
import { routerTables } from '../../infra/tables.ts'
import { type LocalDynamoDb, localCredentials, localRegion, startDynamoDb } from '../../local/dynamodb.ts'
import { createProgress } from '../../operator/progress.ts'
import { type RustPostgres, startRustPostgres } from '../db/rust/world.ts'
import { service } from '../services.ts'

const [OLD_A, OLD_B] = ['http://127.0.0.1:9001', 'http://127.0.0.1:9002']
const [A, B] = ['https://a.example', 'https://b.example']
const toNew = ['--unit', `${OLD_A}=${A}`, '--unit', `${OLD_B}/=${B}/`]
const idOf = (n: number) => createHash('sha256').update(`process ${n}`).digest('base64url')

let postgres: RustPostgres
let dynamodb: LocalDynamoDb
let store: PlacementStore
let stateDir: string
/** Of the router's functions. */
let environment: Record<string, string>
beforeAll(async () => {
  ;[postgres, dynamodb] = await Promise.all([
    startRustPostgres((await service('postgres')).databaseUrl),
    startDynamoDb({ tables: routerTables }),
  ])
  stateDir = mkdtempSync(join(tmpdir(), 'mig-'))
  mkdirSync(join(stateDir, 'router'))
  const aws = {
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  }
  Object.assign(process.env, aws)
  environment = {
    ...aws,
    ...dynamodb.variables,
    PLACEMENTS_ENDPOINT: dynamodb.url,
    SCHEDULER_LIST: JSON.stringify([{ url: A }, { url: B }]),
  }
  writeFileSync(join(stateDir, 'router', 'env.json'), JSON.stringify(environment))
  store = openPlacements({
    table: dynamodb.variables.PLACEMENTS_TABLE ?? '',
    homeRegion: localRegion,
    ownRegion: localRegion,
    endpoint: dynamodb.url,
  })
})
afterAll(async () => {
  await Promise.all([postgres.stop(), dynamodb.stop()])
  rmSync(stateDir, { recursive: true, force: true })
})

/** @param killWhen asked again and again; as soon as it says so the process is killed */
async function mig(
  args: readonly string[],
  { state = stateDir, killWhen }: { state?: string; killWhen?: () => Promise<boolean> } = {},
) {
  const child = spawn(process.execPath, ['operator/mig.ts', ...args], {
    env: { PATH: process.env.PATH, STATE_DIR: state },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  const closed = once(child, 'close')
  while (killWhen && child.exitCode === null && child.signalCode === null) {
    if (await killWhen()) child.kill('SIGKILL')
    await setTimeout(5)
  }
  const [code, signal] = await closed
  return { ...said, code, signal }
}

describe('npm run mig', () => {
  it('brings placements in, says what it did, and may do it again', async () => {
    const from = await postgres.restore()
    const dry = await mig(['placements', '--from', from, ...toNew, '--dry-run'])
    expect(dry).toMatchObject({ code: 0, out: expect.stringContaining('8 would be placed, 0 there already') })
    expect((await store.counts()).size).toBe(0)

    const first = await mig(['placements', '--from', from, ...toNew])
    // No bar in a pipe.
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toBe(
      `${OLD_A} -> ${A}: 4 in the source.\n${OLD_B} -> ${B}: 4 in the source.\n` +
        '8 placed, 0 there already, 0 at another unit, 0 left out.\n',
    )
    expect(await store.counts()).toEqual(
      new Map([
        [A, 4],
        [B, 4],
      ]),
    )
    const process = 'PjrvNRkncTzZN2M0Msx56nR24O0din8sAXBZhVQCDZU'
    expect(await store.read(process)).toMatchObject({ unit: A, state: 'settled', version: 1 })

    const again = await mig(['placements', '--from', from, ...toNew, '--json'])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toMatchObject({ done: true, placed: 0, there: 8, conflicts: [], leftOut: [] })
    expect(await store.counts()).toEqual(
      new Map([
        [A, 4],
        [B, 4],
      ]),
    )

    // The other way round every process would have to move.
    const crossed = ['--unit', `${OLD_A}=${B}`, '--unit', `${OLD_B}=${A}`]
    const conflicting = await mig(['placements', '--from', from, ...crossed])
    expect(conflicting).toMatchObject({ code: 1, out: expect.stringContaining('8 at another unit') })
    expect(conflicting.err).toContain(`${process} stands at ${A}, and was to be at ${B}: left as it is.`)
    for (const { out, err } of [dry, first, again, conflicting]) expect(out + err).not.toContain(from)
  }, 60_000)

  it('killed in the middle, it does the rest the next time', async () => {
    const from = await postgres.restore()
    const before = await store.counts()
    const rows = Array.from({ length: 2_500 }, (_, i) => ({
      row: i + 1,
      process: idOf(i),
      unit: i % 2 ? OLD_A : OLD_B,
    }))
    await postgres.replace(from, rows)
    const killed = await mig(['placements', '--from', from, ...toNew], {
      killWhen: async () => ((await store.counts()).get(A) ?? 0) > (before.get(A) ?? 0) + 200,
    })
    expect(killed).toMatchObject({ code: null, signal: 'SIGKILL' })
    const resumed = await mig(['placements', '--from', from, ...toNew, '--json'])
    expect(resumed.code).toBe(0)
    const { placed, there } = JSON.parse(resumed.out)
    expect(placed + there).toBe(2_500)
    expect(Math.min(placed, there)).toBeGreaterThan(0)
    // The counters say what the rows say, whatever was under way when it was killed.
    const counts = await store.counts()
    expect([A, B].map((unit) => (counts.get(unit) ?? 0) - (before.get(unit) ?? 0))).toEqual([1_250, 1_250])
    expect(await mig(['placements', '--from', from, ...toNew, '--after', '2400', '--json'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('"there":100'),
    })
  }, 120_000)

  it('as the function that is deployed it does the same', async () => {
    const from = await postgres.restore()
    const bundle = join(stateDir, 'bundle')
    await buildFunction(functions.migPlacements.entry, bundle)
    const event = { placements: { from, units: { [OLD_A]: A, [OLD_B]: B }, dryRun: true } }
    const script = `
      const { handler } = await import(${JSON.stringify(join(bundle, 'index.mjs'))})
      const answer = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60_000 })
      console.log(JSON.stringify(answer))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...environment, LOG_LEVEL: 'silent' },
    })
    expect(JSON.parse(stdout)).toMatchObject({ done: true, after: 8, processes: 8, conflicts: [], leftOut: [] })
  }, 60_000)

  it('says what stands against it, and writes nothing', async () => {
    const from = await postgres.restore()
    const before = await store.counts()
    const oneUnit = await mig(['placements', '--from', from, '--unit', `${OLD_A}=${A}`])
    expect(oneUnit).toMatchObject({ code: 1, err: expect.stringContaining('http://127.0.0.1:9002 has 4 processes') })
    const unlisted = await mig([
      'placements',
      '--from',
      from,
      '--unit',
      `${OLD_A}=https://c.example`,
      '--unit',
      `${OLD_B}=${B}`,
    ])
    expect(unlisted).toMatchObject({ code: 1, err: expect.stringContaining('https://c.example is not in the router') })
    const nowhere = await mig(['placements', '--from', 'postgresql://u:hushhush@127.0.0.1:9/db', ...toNew])
    expect(nowhere).toMatchObject({ code: 1, err: 'The source does not answer (ECONNREFUSED).\n' })
    const noStack = await mig(['placements', '--from', from, ...toNew], { state: join(stateDir, 'elsewhere') })
    expect(noStack).toMatchObject({ code: 1, err: expect.stringContaining('PLACEMENTS_TABLE is missing') })
    expect(await store.counts()).toEqual(before)
  }, 60_000)

  it('says how it is called', async () => {
    const calls: [string[], number, string][] = [
      [[], 0, 'npm run mig -- placements --from'],
      [['--help'], 0, 'npm run mig -- placements --from'],
      [['messages'], 2, 'There is nothing called messages'],
      [['placements'], 2, 'Say where they are'],
      [['placements', '--from', 'http://host', ...toNew], 2, 'begins with postgresql://'],
      [['placements', '--from', 'postgresql://host/db'], 2, 'no unit is named'],
      [['placements', '--from', 'postgresql://host/db', '--unit', OLD_A], 2, '--unit OLD=NEW'],
      [['placements', '--from', 'postgresql://host/db', ...toNew, ...toNew], 2, `names ${OLD_A} twice`],
      [['placements', '--from', 'postgresql://host/db', ...toNew, '--after', 'x'], 2, '--after is the number of a row'],
      [['placements', '--from', 'postgresql://host/db', ...toNew, '--force'], 2, '--force'],
      [['placements', 'more', '--from', 'postgresql://host/db', ...toNew], 2, 'What is more?'],
    ]
    const answers = await Promise.all(calls.map(([args]) => mig(args)))
    for (const [index, [, code, sentence]] of calls.entries()) {
      const { out, err, ...answer } = answers[index] ?? { out: '', err: '' }
      expect(answer).toMatchObject({ code })
      expect(code === 0 ? out : err).toContain(sentence)
    }
  }, 60_000)
})

describe('progress', () => {
  it('is one line on a terminal; in a pipe there are plain lines of a long run, and no bar', () => {
    let [written, time] = ['', 0]
    const show = (terminal: boolean, stepMs = 2_000) => {
      written = ''
      const progress = createProgress({
        write: (text) => {
          written += text
        },
        terminal,
        what: 'processes',
        now: () => time,
      })
      for (const done of [0, 10, 20, 30, 40]) {
        progress.show(done, 40)
        time += stepMs
      }
      progress.end()
      return written
    }
    expect(show(true).split('\r\u001B[K')).toHaveLength(6)
    expect(show(true)).toMatch(/\[#{15}\.{15}\] 20 of 40 processes\r.*\[#{30}\] 40 of 40 processes\n$/s)
    expect(show(false)).toBe('')
    expect(show(false, 15_000)).toBe('20 of 40 processes\n40 of 40 processes\n')
  })
})
