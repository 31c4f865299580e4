/** What every source of a migration does, fake or real (core/ports/migration-source.ts). */
import { describe, expect, it } from 'vitest'
import type { MigrationSource, RowRange, SourceMessage } from '../../core/ports/migration-source.ts'
import { assigned, damaged, message, rows, type SourceRows, short, silent, sound, stray } from './source-rows.ts'

export interface SourceSettings {
  batchRows: number
  batchBytes: number
}

export interface MigrationSourceUnderTest {
  source: MigrationSource
  /** Writes to it, as the unit that it belongs to does. */
  add(rows: Partial<SourceRows>): Promise<void>
  /** Makes it unreachable. */
  takeAway(): Promise<void>
}

const of = (process: string) =>
  rows.messages.filter((one) => one.process === process).sort((a, b) => a.nonce - b.nonce || a.row - b.row)

const gather = async <T>(batches: AsyncIterable<readonly T[]>): Promise<(readonly T[])[]> => {
  const all: (readonly T[])[] = []
  for await (const batch of batches) all.push(batch)
  return all
}

const flat = async <T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> => (await gather(batches)).flat()

/** @param open a source of these rows, with these settings */
export function migrationSourceSuite(
  name: string,
  open: (rows: SourceRows, settings: SourceSettings) => Promise<MigrationSourceUnderTest>,
): void {
  const small = { batchRows: 2, batchBytes: 1_000 }

  describe(`migration source: ${name}`, () => {
    it('gives all processes in the order of their bytes, a batch at a time, also those without messages or without a row', async () => {
      const { source } = await open(rows, small)
      const batches = await gather(source.processes({ from: 0 }))
      expect(batches.flat()).toEqual([stray, short, silent, sound, damaged])
      expect(batches.every(({ length }) => length > 0 && length <= 2)).toBe(true)
      expect(await flat(source.processes({ from: 0 }, silent))).toEqual([sound, damaged])
      // After one that is not there, and after the last.
      expect(await flat(source.processes({ from: 0 }, 'C'))).toEqual([silent, sound, damaged])
      expect(await gather(source.processes({ from: 0 }, damaged))).toEqual([])
    })

    const ranges: [RowRange, string[], number][] = [
      [{ from: 0 }, [stray, short, silent, sound, damaged], 17],
      [{ from: 1 }, [stray, short, silent, sound, damaged], 17],
      // Both ends belong to it. One with an end has no processes without messages.
      [{ from: 0, to: 1 }, [sound], 1],
      [{ from: 2, to: 4 }, [short, sound], 3],
      [{ from: 2, to: 2 }, [short], 1],
      [{ from: 6, to: 9 }, [stray, sound], 4],
      [{ from: 0, to: 4_000_000_000_000 }, [stray, short, sound, damaged], 17],
      [{ from: 3, to: 2 }, [], 0],
      [{ from: 18, to: 30 }, [], 0],
      // To the end; those without messages are of every one of these.
      [{ from: 9 }, [silent, sound, damaged], 9],
      [{ from: 17 }, [silent, damaged], 1],
      [{ from: 18 }, [silent], 0],
      [{ from: 4_000_000_000_000 }, [silent], 0],
    ]

    it.each(ranges)('takes the rows %o', async (range, ids, count) => {
      const { source } = await open(rows, small)
      expect(await flat(source.processes(range))).toEqual(ids)
      expect(await source.size(range)).toEqual({ processes: ids.length, messages: count })
      const inside = ({ row }: SourceMessage) => row >= range.from && row <= (range.to ?? row)
      for (const id of [sound, short, silent, stray, damaged]) {
        expect(await flat(source.messages(id, range, 0))).toEqual(of(id).filter(inside))
      }
    })

    it('gives more processes than it asks for at once', async () => {
      const many = Array.from({ length: 230 }, (_, at) => assigned(`process ${String(at).padStart(3, '0')}`, at + 1))
      const messages = many.slice(0, 120).map(({ process }, at) => message(process, 0, at + 1))
      const { source } = await open({ processes: many, messages }, small)
      const ids = many.map(({ process }) => process)
      expect(await flat(source.processes({ from: 0 }))).toEqual(ids)
      expect(await flat(source.processes({ from: 2 }))).toEqual(ids.slice(1))
      expect(await flat(source.processes({ from: 1, to: 119 }, ids[4]))).toEqual(ids.slice(5, 119))
    })

    it('gives a process as it stands, with a place or without', async () => {
      const { source } = await open(rows, small)
      expect(await source.process(sound)).toEqual(rows.processes[0])
      expect(await source.process(short)).toEqual(rows.processes[1])
      expect(await source.process(silent)).toEqual(rows.processes[2])
      expect(await source.process(stray)).toBeUndefined()
      expect(await source.process("it's no id; -- \u{1f600}")).toBeUndefined()
    })

    it('gives messages by nonce, then row, from a nonce on, a batch at a time', async () => {
      const { source } = await open(rows, small)
      const batches = await gather(source.messages(sound, { from: 0 }, 0))
      expect(batches.flat()).toEqual(of(sound))
      expect(batches.map(({ length }) => length)).toEqual([2, 2, 1])
      expect(await flat(source.messages(sound, { from: 0 }, 3))).toEqual(of(sound).slice(2))
      expect(await flat(source.messages(sound, { from: 3, to: 7 }, 3))).toEqual(of(sound).slice(2, 4))
      expect(await gather(source.messages(sound, { from: 0 }, 6))).toEqual([])
      expect(await gather(source.messages(silent, { from: 0 }, 0))).toEqual([])
      // A nonce that several have, where a batch ends, comes once a row.
      expect((await flat(source.messages(damaged, { from: 0 }, 2))).map(({ row }) => row)).toEqual([
        11, 12, 13, 14, 15, 16, 17,
      ])
    })

    it('gives no more bytes at once than it may, but a row at least', async () => {
      const sizes = [40, 60, 1, 250, 99, 1, 1]
      const messages = sizes.map((size, nonce) =>
        message(sound, nonce, nonce + 1, { bundle: Buffer.alloc(size, nonce) }),
      )
      const { source } = await open({ processes: [assigned(sound, 1)], messages }, { batchRows: 5, batchBytes: 100 })
      const batches = await gather(source.messages(sound, { from: 0 }, 0))
      expect(batches.flat()).toEqual(messages)
      expect(batches.map((batch) => batch.map(({ bundle }) => bundle.length))).toEqual([
        [40, 60],
        [1],
        [250],
        [99, 1],
        [1],
      ])
    })

    it('gives rows of 9 MB', async () => {
      const messages = Array.from({ length: 3 }, (_, nonce) =>
        message(sound, nonce, nonce + 1, { bundle: Buffer.alloc(9_000_000, nonce + 1) }),
      )
      const { source } = await open(
        { processes: [assigned(sound, 1)], messages },
        { batchRows: 1_000, batchBytes: 8_000_000 },
      )
      let nonce = 0
      for await (const batch of source.messages(sound, { from: 0 }, 0)) {
        expect(batch).toHaveLength(1)
        const expected = messages[nonce++]?.bundle
        expect(expected && batch[0]?.bundle.equals(expected)).toBe(true)
      }
      expect(nonce).toBe(3)
    })

    it('knows how much of a process there is, whatever rows are asked for', async () => {
      const { source } = await open(rows, small)
      expect(await source.extent(sound)).toEqual({ messages: 5, nonces: 5, lowest: 1, highest: 5 })
      expect(await source.extent(damaged)).toEqual({ messages: 8, nonces: 5, lowest: 1, highest: 9 })
      const nothing = { messages: 0, nonces: 0, lowest: undefined, highest: undefined }
      expect(await source.extent(silent)).toEqual(nothing)
      expect(await source.extent('nobody')).toEqual(nothing)
    })

    it('says which nonces are missing or doubled, lowest first, no more than were asked for', async () => {
      const { source } = await open(rows, small)
      const all = [
        { kind: 'missing', from: 0, to: 0 },
        { kind: 'missing', from: 2, to: 2 },
        { kind: 'doubled', nonce: 3, rows: [11, 12] },
        { kind: 'missing', from: 4, to: 5 },
        { kind: 'doubled', nonce: 6, rows: [13, 14, 15] },
        { kind: 'missing', from: 8, to: 8 },
      ]
      expect(await source.irregularities(damaged, 0, 10)).toEqual(all)
      expect(await source.irregularities(damaged, 1, 10)).toEqual(all.slice(1))
      expect(await source.irregularities(damaged, 5, 10)).toEqual([
        all[2],
        { kind: 'missing', from: 5, to: 5 },
        all[4],
        all[5],
      ])
      expect(await source.irregularities(damaged, 0, 1)).toEqual([all[0], all[2]])
      expect(await source.irregularities(damaged, 20, 10)).toEqual([all[2], all[4]])
      expect(await source.irregularities(sound, 1, 10)).toEqual([])
      expect(await source.irregularities(silent, 0, 10)).toEqual([])
    })

    it('gives the message before a nonce, and the latest time before it', async () => {
      const { source } = await open(rows, small)
      expect(await source.before(sound, 1)).toBeUndefined()
      expect(await source.before(sound, 2)).toEqual(of(sound)[0])
      expect(await source.before(sound, 4_000_000_000_000)).toEqual(of(sound)[4])
      expect(await source.before(damaged, 6)).toMatchObject({ nonce: 3, row: 11 })
      expect(await source.latestBefore(sound, 1)).toBeUndefined()
      expect(await source.latestBefore(sound, 2)).toBe(1_700_000_000_001)
      // Times may fall.
      expect(await source.latestBefore(sound, 5)).toBe(1_800_000_000_000)
      expect(await source.latestBefore(sound, 6)).toBe(Number.MAX_SAFE_INTEGER)
      expect(await source.latestBefore(silent, 6)).toBeUndefined()
    })

    it('grows while it is read: what was there comes once, and what comes at the end comes too', async () => {
      const { source, add } = await open(rows, small)
      const read: number[] = []
      for await (const batch of source.messages(sound, { from: 0 }, 0)) {
        read.push(...batch.map(({ nonce }) => nonce))
        if (read.length === 2) await add({ messages: [message(sound, 6, 18), message(sound, 0, 19)] })
        if (read.length === 6) await add({ messages: [message(sound, 7, 20)] })
      }
      expect(read).toEqual([1, 2, 3, 4, 5, 6, 7])
      const ids: string[] = []
      for await (const batch of source.processes({ from: 0 })) {
        if (ids.length === 0) await add({ processes: [assigned('-earlier', 21), assigned('later', 22)] })
        ids.push(...batch)
      }
      expect(ids.filter((id) => id !== 'later')).toEqual([stray, short, silent, sound, damaged])
      expect(await source.extent(sound)).toEqual({ messages: 8, nonces: 8, lowest: 0, highest: 7 })
      expect(await flat(source.processes({ from: 0 }))).toEqual([
        '-earlier',
        stray,
        short,
        silent,
        sound,
        'later',
        damaged,
      ])
      expect(await source.size({ from: 18 })).toEqual({ processes: 4, messages: 3 })
    })

    it('is read by several at once, and may be left before its end', async () => {
      const { source } = await open(rows, small)
      for await (const _ of source.messages(sound, { from: 0 }, 0)) break
      const processes = [sound, short, stray, damaged, sound, short, stray, damaged]
      const read = await Promise.all(processes.map((process) => flat(source.messages(process, { from: 0 }, 0))))
      expect(read).toEqual(processes.map(of))
    })

    it('is unavailable where it does not answer, which is not an end', async () => {
      const { source, takeAway } = await open(rows, small)
      const reading = source.messages(sound, { from: 0 }, 0)[Symbol.asyncIterator]()
      await reading.next()
      await takeAway()
      const gone = { code: 'unavailable' }
      await expect(reading.next()).rejects.toMatchObject(gone)
      await expect(flat(source.processes({ from: 0 }))).rejects.toMatchObject(gone)
      await expect(source.size({ from: 0 })).rejects.toMatchObject(gone)
      await expect(source.process(sound)).rejects.toMatchObject(gone)
      await expect(source.extent(sound)).rejects.toMatchObject(gone)
      await expect(source.irregularities(sound, 0, 1)).rejects.toMatchObject(gone)
      await expect(source.before(sound, 9)).rejects.toMatchObject(gone)
      await expect(source.latestBefore(sound, 9)).rejects.toMatchObject(gone)
    })
  })
}
