/** The operator's command about metadata: rows written again from the log, and counted against it. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { MetadataParts } from '../../operator/command.ts'
import { run } from '../../operator/run.ts'
import { RelayWorld } from '../core/relay/world.ts'
import { FakeIndexedNonces } from '../fakes/restore-sources.ts'
import { closed } from './workplace.ts'

let fixture: RelayWorld
let printed: string[]
let complaints: string[]
let shown: [number, number][]
let interruption: AbortController
beforeEach(() => {
  fixture = new RelayWorld()
  printed = []
  complaints = []
  shown = []
  interruption = new AbortController()
})

const partsOf = (): MetadataParts => ({ ...fixture.deps, nonces: new FakeIndexedNonces(fixture.index) })

function su(...args: string[]) {
  printed = []
  complaints = []
  shown = []
  const exit = run(['metadata', ...args], {
    ...closed,
    metadata: partsOf,
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
    progress: () => ({ show: (done, all) => shown.push([done, all]), clear() {}, end() {} }),
    interruption: () => interruption.signal,
  })
  return fixture.clock.run(exit)
}

const json = () => printed.map((line) => JSON.parse(line))

/** The relay counts everything as indexed. */
async function countAsIndexed(process: string): Promise<void> {
  const progress = await fixture.store.progress(process)
  if (!progress) throw new Error('no such process')
  await fixture.store.advance(process, { metadata: { from: progress.done.metadata, to: progress.next } })
}

it('says how it is called', async () => {
  const id = 'A'.repeat(43)
  const wrong: [string[], string][] = [
    [['metadata'], 'rebuild or verify'],
    [['metadata', 'list', id], 'rebuild or verify'],
    [['metadata', 'rebuild'], 'name processes, or --all'],
    [['metadata', 'verify', id, '--all'], 'name processes, or --all'],
    [['metadata', 'rebuild', 'short'], 'Name processes'],
    [['metadata', 'rebuild', id, id], `Unexpected argument: ${id}`],
    [['metadata', 'rebuild', `${id},${id}`, '--from', '3'], '--from'],
    [['metadata', 'verify', id, '--from', '3'], '--from'],
    [['metadata', 'rebuild', id, '--after', id], '--after'],
  ]
  for (const [args, complaint] of wrong) {
    complaints = []
    expect([args, await run(args, { ...closed, complain: (line) => complaints.push(line) })]).toEqual([args, 2])
    expect(complaints.join('\n')).toContain(complaint)
  }
})

describe('rebuild', () => {
  it('fills an index that was lost, for all processes', async () => {
    const processes = [await fixture.spawn(600), await fixture.spawn(0), await fixture.spawn(3, { assigned: false })]
    for (const process of processes) await countAsIndexed(process)
    expect(await su('verify', '--all')).toBe(1)
    expect(await su('rebuild', '--all')).toBe(0)
    expect(printed.toSorted()).toEqual(
      processes.map((process, n) => `${process}: ${[601, 1, 4][n]} rows written.`).toSorted(),
    )
    expect(complaints).toEqual([])
    expect(shown.at(-1)).toEqual([606, 606])
    expect(fixture.index.nonces(processes[0] ?? '')).toEqual(Array.from({ length: 601 }, (_, nonce) => nonce))
    expect(fixture.index.nonces(processes[2] ?? '')).toEqual([-1, 0, 1, 2])
    expect(await su('verify', '--all')).toBe(0)
    expect(printed).toEqual(['3 processes complete, 0 incomplete.'])
  })

  it('writes the rows that the relay writes', async () => {
    const process = await fixture.spawn(5)
    expect(await su('rebuild', process, '--json')).toBe(0)
    expect(json()).toEqual([{ process, indexed: 6, lost: 0 }])
    const [row] = fixture.index.rows.values()
    expect(row).toMatchObject({ process, nonce: 0, kind: 'process', tags: [{ name: 'Type', value: 'Process' }] })
  })

  it('passes a record whose body is lost, and says so', async () => {
    const process = await fixture.spawn(3)
    await fixture.grow(process, 2, { body: 'blob' })
    const blobs = fixture.recordsOf(process).flatMap(({ item }) => (item && 'blob' in item ? [item.blob] : []))
    for (const blob of blobs.slice(0, 1)) fixture.blobs.lose(blob)
    expect(await su('rebuild', process)).toBe(1)
    expect(printed[0]).toMatch(`${process}  nonce 4 has no row: `)
    expect(printed[1]).toBe(`${process}: 5 rows written, 1 records lost.`)
    expect(fixture.index.nonces(process)).toEqual([0, 1, 2, 3, 5])
  })

  it('stops where the index does not answer, and continues from there', async () => {
    const [one, other] = [await fixture.spawn(500), await fixture.spawn(300)]
    fixture.index.faults = {
      before: ({ args }) => {
        const [records] = args as [{ process: string; nonce: number }[]]
        if (records.some(({ process, nonce }) => process === one && nonce === 400)) throw new Error('away')
      },
    }
    expect(await su('rebuild', `${one},${other}`)).toBe(1)
    expect(complaints[0]).toMatch(`${one}: stopped at nonce 384: `)
    expect(complaints.slice(1)).toEqual([
      `Continue with: metadata rebuild ${one} --from 384`,
      `Not begun: metadata rebuild ${other}`,
    ])
    fixture.index.faults = {}
    expect(await su('rebuild', one, '--from', '384')).toBe(0)
    expect(await su('rebuild', other)).toBe(0)
    for (const process of [one, other]) await countAsIndexed(process)
    expect(await su('verify', '--all')).toBe(0)
  })

  it('ends when it is interrupted, and says how to continue', async () => {
    const processes = [await fixture.spawn(300), await fixture.spawn(300)]
    interruption.abort()
    expect(await su('rebuild', '--all', '--unit', '2')).toBe(1)
    const [, first] = /^(\S+): stopped at nonce 256: interrupted\.$/.exec(complaints[0] ?? '') ?? []
    expect(processes).toContain(first)
    expect(complaints.slice(1)).toEqual([
      `Continue with: metadata rebuild ${first} --from 256 --unit 2`,
      `Not begun: metadata rebuild --all --after ${first} --unit 2`,
    ])
    interruption = new AbortController()
    expect(await su('rebuild', first ?? '', '--from', '256')).toBe(0)
    expect(await su('rebuild', '--all', '--after', first ?? '')).toBe(0)
    for (const process of processes) expect(fixture.index.nonces(process)).toHaveLength(301)
  })

  it('continues after an unknown process', async () => {
    const process = await fixture.spawn(1)
    const unknown = 'A'.repeat(43)
    expect(await su('rebuild', `${unknown},${process}`)).toBe(1)
    expect(complaints).toEqual([`Process ${unknown} is not known here.`])
    expect(printed).toEqual([`${process}: 2 rows written.`])
  })
})

describe('verify', () => {
  it('finds rows that are missing, and those beyond the end', async () => {
    const process = await fixture.spawn(9)
    expect(await su('rebuild', process)).toBe(0)
    await countAsIndexed(process)
    await fixture.grow(process, 2)
    expect(await su('verify', process, '--json')).toBe(0)
    expect(json()).toEqual([{ process, records: 10, pending: 2, gaps: [], listed: true }])

    const [row] = fixture.index.rows.values()
    if (!row) throw new Error('no row')
    await fixture.index.index([{ ...row, kind: 'message', nonce: 12 }])
    for (const nonce of [0, 4]) fixture.index.rows.delete(`${process}/${nonce}`)
    expect(await su('verify', process)).toBe(1)
    expect(printed).toEqual([
      `${process}: 2 rows missing, nonces 0 to 9.`,
      `${process}: a row at nonce 12 is beyond the end of the log.`,
      `${process}: it has no row in processes.`,
      '0 processes complete, 1 incomplete.',
    ])
    // Nonce 12 is in the log now.
    await fixture.grow(process, 1)
    expect(await su('verify', process, '--json')).toBe(1)
    expect(json()).toEqual([
      { process, records: 10, pending: 3, gaps: [{ from: 0, to: 9, missing: 2 }], listed: false },
    ])
  })

  it('expects nothing of what the relay has not come to', async () => {
    const process = await fixture.spawn(9)
    expect(await su('verify', process)).toBe(0)
    expect(printed).toEqual(['1 processes complete, 0 incomplete.'])
  })

  it('asks about many processes at once, and says where it stopped', async () => {
    for (let n = 0; n < 600; n++) await fixture.spawn(0)
    const asked: number[] = []
    const nonces = new FakeIndexedNonces(fixture.index)
    const counts: MetadataParts['nonces']['counts'] = async (ranges) => {
      asked.push(ranges.length)
      return nonces.counts(ranges)
    }
    const verify = (...args: string[]) =>
      run(['metadata', 'verify', '--all', ...args], {
        ...closed,
        metadata: () => ({ ...partsOf(), nonces: { counts } }),
        print: (line) => printed.push(line),
        complain: (line) => complaints.push(line),
      })
    expect(await verify()).toBe(0)
    expect(asked).toEqual([500, 100])
    expect(printed).toEqual(['600 processes complete, 0 incomplete.'])
    let calls = 0
    nonces.faults = {
      before: () => {
        if (++calls === 2) throw new Error('away')
      },
    }
    expect(await verify()).toBe(1)
    const [, , after] = /^(Not begun: metadata verify --all --after )(\S+)$/.exec(complaints.at(-1) ?? '') ?? []
    printed = []
    expect(await verify('--after', after ?? '')).toBe(0)
    expect(printed).toEqual(['100 processes complete, 0 incomplete.'])
  })
})
