/** One record by id, the newest record, and the process itself. */
import { describe, expect, it } from 'vitest'
import { MAX_FINDINGS } from '../../../core/ports/log-store.ts'
import type { Meter } from '../../../core/ports/meter.ts'
import { find } from '../../../core/read/find.ts'
import { latestBytes } from '../../../core/read/latest.ts'
import { readProcessText } from '../../../core/read/process.ts'
import { recordBytes } from '../../../core/read/record-text.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import {
  collect,
  depsOf,
  type Entry,
  type History,
  historyOf,
  idFrom,
  idOfParts,
  type Parts,
  partsFrom,
  plainHistory,
} from './history.ts'

const stores = () => ({ log: new FakeLogStore(), blobs: new FakeBlobStore() })

const process = (seed: string, timestamp = 1000): Entry => ({
  kind: 'process',
  timestamp,
  item: partsFrom(seed),
  assignment: partsFrom(`assignment of ${seed}`),
  blob: false,
})
const posted = (item: Parts, by: string, timestamp: number, blob = false): Entry => ({
  kind: 'message',
  timestamp,
  item,
  assignment: partsFrom(by),
  blob,
})
const assigned = (transaction: string, by: string, timestamp: number): Entry => ({
  kind: 'transaction',
  timestamp,
  item: undefined,
  transaction,
  assignment: partsFrom(by),
  blob: false,
})

const textOf = async (bytes: Promise<AsyncIterable<Buffer>>) => (await collect(await bytes)).toString()

/** Process and nonce of the record that was found. */
const placeOf = async (deps: Parameters<typeof find>[0], id: string, named?: string) => {
  const found = await find(deps, id, named)
  return found.kind === 'schedule' ? found.head.process : `${found.record.process}/${found.record.nonce}`
}
const idOf = (history: History, nonce: number) => {
  const parts = history.records[nonce]?.assignment
  if (parts === undefined) throw new Error('no such assignment')
  return idOfParts(parts)
}

describe('an id', () => {
  it('of a process that is known is always its schedule', async () => {
    const into = stores()
    const a = await plainHistory('a', [2000], { into })
    const b = await historyOf([process('b'), assigned(a.process, 'a into b', 2000)], into)
    for (const named of [undefined, a.process, b.process, 'garbage']) {
      expect(await placeOf(depsOf(a), a.process, named)).toBe(a.process)
    }
  })

  it('of an assignment is its record, also the process itself', async () => {
    const a = await plainHistory('a', [2000, 2001])
    expect(await placeOf(depsOf(a), idOf(a, 2), 'garbage')).toBe(`${a.process}/2`)
    expect(await placeOf(depsOf(a), idOf(a, 0))).toBe(`${a.process}/0`)
  })

  it('of a message is its record in the process named, else the oldest', async () => {
    const into = stores()
    const item = partsFrom('posted twice')
    const a = await historyOf([process('a'), posted(item, 'in a', 3000)], into)
    const b = await historyOf([process('b'), posted(item, 'in b', 2000)], into)
    const deps = depsOf(into)
    expect(await placeOf(deps, idOfParts(item), a.process)).toBe(`${a.process}/1`)
    expect(await placeOf(deps, idOfParts(item), b.process)).toBe(`${b.process}/1`)
    expect(await placeOf(deps, idOfParts(item), idFrom('another'))).toBe(`${b.process}/1`)
    expect(await placeOf(deps, idOfParts(item), '')).toBe(`${b.process}/1`)
    expect(await placeOf(deps, idOfParts(item))).toBe(`${b.process}/1`)
  })

  it('of a message that was posted and assigned is where it was posted', async () => {
    const into = stores()
    const item = partsFrom('both ways')
    const a = await historyOf(
      [process('a'), assigned(idOfParts(item), 'into a', 1500), posted(item, 'in a', 3000)],
      into,
    )
    const b = await historyOf([process('b'), assigned(idOfParts(item), 'into b', 1600)], into)
    expect(await placeOf(depsOf(into), idOfParts(item), b.process)).toBe(`${a.process}/2`)
    expect(await placeOf(depsOf(into), idOfParts(item))).toBe(`${a.process}/2`)
  })

  it('of an assigned transaction is its assignment, with no message', async () => {
    const into = stores()
    const tx = idFrom('a transaction')
    const a = await historyOf([process('a'), assigned(tx, 'into a', 3000)], into)
    const b = await historyOf([process('b'), assigned(tx, 'into b', 2000)], into)
    const deps = depsOf(into)
    expect(await placeOf(deps, tx, a.process)).toBe(`${a.process}/1`)
    expect(await placeOf(deps, tx, 'garbage')).toBe(`${b.process}/1`)
    const found = await find(deps, tx, undefined)
    if (found.kind !== 'record') throw new Error('not a record')
    expect(JSON.parse(await textOf(recordBytes(deps, found.record)))).toMatchObject({
      message: null,
      assignment: { id: idOf(b, 1) },
    })
  })

  it('of a message that was posted in the process named costs one row', async () => {
    const a = await plainHistory('a', [2000])
    const asked: unknown[] = []
    a.log.faults = {
      before: ({ name, args }) => {
        if (name !== 'head' && name !== 'records') asked.push([name, ...args])
      },
    }
    const id = idOfParts(a.records[1]?.item ?? partsFrom(''))
    expect(await placeOf(depsOf(a), id, a.process)).toBe(`${a.process}/1`)
    expect(asked).toEqual([['findItem', a.process, { kind: 'message', id }]])
  })

  it('of a transaction is in the process named, in however many it is assigned', async () => {
    const into = stores()
    const tx = idFrom('a transaction')
    const histories: History[] = []
    for (let index = 0; index <= MAX_FINDINGS; index++) {
      histories.push(await historyOf([process(`p${index}`), assigned(tx, `into ${index}`, 2000 + index)], into))
    }
    for (const one of histories) expect(await placeOf(depsOf(into), tx, one.process)).toBe(`${one.process}/1`)
  })

  it('that nobody knows, or that is none, is not found', async () => {
    const a = await plainHistory('a', [2000])
    for (const id of [idFrom('nobody'), 'favicon.ico', '', 'x'.repeat(43), `${a.process}x`]) {
      await expect(find(depsOf(a), id, a.process)).rejects.toMatchObject({ code: 'not-found' })
    }
    await expect(find(depsOf(a), idFrom('nobody'), idFrom('nobody'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('of a record that a migration is still copying does not count yet', async () => {
    const into = stores()
    const item = partsFrom('a message')
    const a = await historyOf([process('a'), posted(item, 'in a', 2000)], { ...into, state: 'incomplete' })
    await expect(find(depsOf(into), idOfParts(item), undefined)).rejects.toMatchObject({ code: 'incomplete' })
    into.log.restore({ ...a.head, state: 'open', next: 1 }, [])
    await expect(find(depsOf(into), idOfParts(item), undefined)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is never "not found" because the log does not answer', async () => {
    const a = await plainHistory('a', [2000])
    for (const failing of ['find', 'head', 'records']) {
      a.log.faults = {
        before: ({ name }) => {
          if (name === failing) throw new Error('away')
        },
      }
      await expect(find(depsOf(a), idOf(a, 1), undefined)).rejects.toMatchObject({ code: 'unavailable' })
    }
    // A process that is known needs no more than its head.
    a.log.faults = {
      before: ({ name }) => {
        if (name !== 'head') throw new Error('away')
      },
    }
    expect(await placeOf(depsOf(a), a.process)).toBe(a.process)
  })
})

describe('the newest record', () => {
  it('is the last message, wherever its body is', async () => {
    const a = await historyOf([
      process('a'),
      posted(partsFrom('first'), 'one', 2000),
      posted(partsFrom('last', { data: Buffer.from('newest') }), 'two', 2001, true),
    ])
    expect(JSON.parse(await textOf(latestBytes(depsOf(a), a.process)))).toMatchObject({
      message: { data: 'newest' },
      assignment: { id: idOf(a, 2) },
    })
    a.blobs.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    await expect(latestBytes(depsOf(a), a.process)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('of a process without messages is its own, and missing where it has no assignment', async () => {
    const a = await plainHistory('a', [], { assigned: true })
    expect(JSON.parse(await textOf(latestBytes(depsOf(a), a.process)))).toMatchObject({
      assignment: { id: idOf(a, 0) },
    })
    const b = await plainHistory('b', [], { assigned: false })
    await expect(latestBytes(depsOf(b), b.process)).rejects.toMatchObject({ code: 'not-found' })
    await expect(latestBytes(depsOf(stores()), idFrom('nobody'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('of a process that is still being migrated is not told', async () => {
    const a = await plainHistory('a', [2000], { state: 'incomplete' })
    await expect(latestBytes(depsOf(a), a.process)).rejects.toMatchObject({ code: 'incomplete' })
  })
})

describe('a process', () => {
  it('has block and timestamp of its assignment, or of when it was accepted', async () => {
    for (const assigned of [true, false]) {
      const a = await plainHistory('a', [2000], { assigned, started: 1234 })
      expect(JSON.parse(await readProcessText(depsOf(a), a.process))).toMatchObject({
        process_id: a.process,
        block: '000001234567',
        timestamp: 1234,
        data: assigned ? '1' : null,
      })
    }
  })

  it('that is unknown is not found, that is being migrated is incomplete', async () => {
    const a = await plainHistory('a', [2000], { state: 'incomplete' })
    await expect(readProcessText(depsOf(a), a.process)).rejects.toMatchObject({ code: 'incomplete' })
    await expect(readProcessText(depsOf(a), idOf(a, 1))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is timed, also when that fails', async () => {
    const timings: string[] = []
    const meter: Meter = { time: (name) => timings.push(name), count() {} }
    const a = await plainHistory('a', [2000])
    await readProcessText(depsOf(a, { meter }), a.process)
    await expect(readProcessText(depsOf(a, { meter }), idFrom('nobody'))).rejects.toThrow()
    await latestBytes(depsOf(a, { meter }), a.process)
    expect(timings).toEqual(['get_process', 'get_process', 'get_message'])
  })
})
