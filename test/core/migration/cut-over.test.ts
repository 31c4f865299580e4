/** Taking processes over from a unit that goes on, while its clients write all the time: nothing is lost, nothing has two places. */
import { beforeEach, describe, expect, it } from 'vitest'
import { idBytes } from '../../../core/ans104/base64url.ts'
import type { DataItem } from '../../../core/ans104/data-item.ts'
import type { Signer } from '../../../core/ans104/signer.ts'
import { type ErrorCode, hasCode, SchedulerError } from '../../../core/errors.ts'
import { type CutOverOrder, type CutOverReport, cutOver } from '../../../core/migration/cut-over.ts'
import type { FakeMigrationSource } from '../../fakes/migration-source.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { ao, OldUnit } from './old-unit.ts'
import { clientSigner, NOW, Stack, sourceOf, suSigner } from './world.ts'

let old: OldUnit
/** Who posts. */
let client: Signer
let stack: Stack
let source: FakeMigrationSource
/** Processes that the old unit refuses: its allow-list has them read-only. */
let readOnly: Set<string>
beforeEach(() => {
  // Time stands still while something is signed.
  let signing = 0
  const held = (signer: Signer): Signer => ({
    ...signer,
    async sign(item) {
      signing++
      return signer.sign(item).finally(() => {
        signing--
      })
    },
  })
  client = held(clientSigner)
  const signer = held(suSigner)
  old = new OldUnit(signer, client)
  stack = new Stack({ clock: new VirtualClock(NOW, 1, { turns: 20, busy: () => signing > 0 }), signer })
  readOnly = new Set()
})

/** Asked again: it is not there yet, not open yet, or a machine is so busy that virtual time ran out. */
const REFUSED_FOR_NOW: readonly ErrorCode[] = ['frozen', 'incomplete', 'not-found', 'unavailable']

/** What the old unit has scheduled so far, as its tables show it. */
const look = () => {
  source.messageRows.splice(0, Number.POSITIVE_INFINITY, ...old.messages)
}

function takeOver(order: Partial<CutOverOrder> = {}, refuses = async (process: string) => readOnly.has(process)) {
  const reports = new Map<string, CutOverReport>()
  return cutOver(
    { ...stack.deps(source), old: { refuses } },
    { settleMs: 30_000, patienceMs: 600_000, ...order },
    {
      onCopied() {},
      onProcess: (report) => reports.set(report.process, report),
      onProgress() {},
      onWaiting() {},
    },
  ).then((answer) => ({ ...answer, reports }))
}

/** Lets time pass until all of it is done. */
const inTime = <T>(work: Promise<T>): Promise<T> => stack.unit.clock.run(work)

it('no message is lost or scheduled twice, though clients go on all the time', async () => {
  const { clock } = stack.unit
  const processes = [await old.spawn(), await old.spawn({ assigned: false }), await old.spawn()]
  for (const process of processes) for (let i = 0; i < 5; i++) await old.post(process, { data: `${i}` })
  source = sourceOf(old)
  const acknowledged = new Map<string, Set<string>>(processes.map((process) => [process, new Set()]))
  for (const { process, message } of old.messages) acknowledged.get(process)?.add(message)

  // Each client posts to the old unit until that refuses, then to the new one until that takes it.
  let writing = true
  const post = async (process: string, item: DataItem): Promise<void> => {
    for (;;) {
      if (!readOnly.has(process)) {
        // A request that was let in is under way for up to ten seconds there.
        await clock.sleep(clock.random() * 10_000)
        await old.schedule(process, item)
        look()
        break
      }
      try {
        await stack.post(item.raw)
        break
      } catch (error) {
        if (!REFUSED_FOR_NOW.some((code) => hasCode(error, code))) throw error
        await clock.sleep(1_000)
      }
    }
    acknowledged.get(process)?.add(item.id)
  }
  const goOn = async (process: string, name: string): Promise<void> => {
    for (let i = 0; writing; i++) {
      await post(
        process,
        await client.sign({ target: idBytes(process), tags: ao('Message'), data: Buffer.from(`${name} ${i}`) }),
      )
      await clock.sleep(500 + clock.random() * 3_000)
    }
  }
  const clients = processes.flatMap((process, i) => [goOn(process, `a${i}`), goOn(process, `b${i}`)])
  const operator = async () => {
    for (const process of processes) {
      await clock.sleep(20_000)
      readOnly.add(process)
    }
    await clock.sleep(120_000)
    writing = false
  }
  const [taken] = await inTime(
    Promise.all([takeOver({ patienceMs: Number.POSITIVE_INFINITY }), operator(), ...clients]),
  )

  expect(taken).toMatchObject({ well: true, opened: 3, left: 0 })
  for (const process of processes) {
    const { edges } = await stack.page(process)
    const ids = edges.flatMap(({ node }) => node.message?.id ?? []).filter((id) => id !== process)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(ids)).toEqual(acknowledged.get(process))
    // It went on here.
    expect(ids.length).toBeGreaterThan(old.nextNonce(process))
  }
}, 60_000)

describe('a process stays where it is', () => {
  let process: string
  beforeEach(async () => {
    process = await old.spawn()
    await old.post(process)
    source = sourceOf(old)
  })

  it('as long as the old unit takes messages for it', async () => {
    const { well, left, reports } = await inTime(takeOver())
    expect({ well, left }).toEqual({ well: false, left: 1 })
    expect(reports.get(process)).toMatchObject({ kind: 'not-refused' })
    expect(stack.head(process)?.state).toBe('frozen')
  })

  it('as long as its newest nonce does not stand still', async () => {
    readOnly.add(process)
    const { reports } = await inTime(
      takeOver({ patienceMs: 120_000 }, async () => {
        await old.post(process)
        look()
        return true
      }),
    )
    expect(reports.get(process)).toMatchObject({ kind: 'not-at-rest' })
    expect(stack.head(process)?.state).toBe('frozen')
  })

  it('as long as the old unit gives no answer', async () => {
    const { reports } = await inTime(
      takeOver({}, async () => {
        throw new SchedulerError('unavailable', 'The old unit does not answer')
      }),
    )
    expect(reports.get(process)).toMatchObject({ kind: 'no-answer', why: 'The old unit does not answer' })
    expect(stack.head(process)?.state).not.toBe('open')
  })

  it('while the others are taken over', async () => {
    const other = await old.spawn()
    source = sourceOf(old)
    readOnly.add(other)
    expect(await inTime(takeOver())).toMatchObject({ well: false, opened: 1, left: 1 })
    expect([stack.head(other)?.state, stack.head(process)?.state]).toEqual(['open', 'frozen'])
  })
})

it('waits again from the beginning where a message came after the first refusal', async () => {
  const { clock } = stack.unit
  const process = await old.spawn()
  source = sourceOf(old)
  const begun = clock.now()
  let late = 0
  let asked = 0
  // One that was let in before is scheduled there while the time runs.
  await old.post(process)
  const { well } = await inTime(
    takeOver({}, async () => {
      if (++asked === 20) {
        late = clock.now()
        look()
      }
      return true
    }),
  )
  expect(well).toBe(true)
  expect(stack.head(process)).toMatchObject({ state: 'open', next: 2 })
  expect(clock.now() - late).toBeGreaterThanOrEqual(30_000)
  expect(late).toBeGreaterThan(begun)
})
