/** Stores of segments in memory, with hooks for faults, and ways to do to them what no store should. */
import type { ObjectName, SegmentIndexes, SegmentObjects } from '../../core/ports/segment-store.ts'
import { type Faults, faulty } from './faults.ts'

const keyOf = ({ process, first, form, sha256 }: ObjectName): string =>
  `${process}/${first}/${form}/${sha256.toString('hex')}`

export class FakeSegmentObjects implements SegmentObjects {
  faults: Faults<'put' | 'read'> = {}
  readonly objects = new Map<string, Buffer>()

  async put(name: ObjectName, bytes: Buffer): Promise<void> {
    await faulty(this.faults, 'put', [name, bytes], () => {
      this.objects.set(keyOf(name), Buffer.from(bytes))
    })
  }

  async read(name: ObjectName, start: number, end: number): Promise<Buffer | undefined> {
    return faulty(this.faults, 'read', [name, start, end], () => {
      const bytes = this.objects.get(keyOf(name))
      return bytes && Buffer.from(bytes.subarray(start, end))
    })
  }

  lose(name: ObjectName): void {
    this.objects.delete(keyOf(name))
  }

  /** Puts other bytes under the same name. */
  alter(name: ObjectName, change: (bytes: Buffer) => Buffer): void {
    const bytes = this.objects.get(keyOf(name))
    if (bytes === undefined) throw new Error('there is no such object')
    this.objects.set(keyOf(name), change(Buffer.from(bytes)))
  }
}

export class FakeSegmentIndexes implements SegmentIndexes {
  faults: Faults<'get' | 'put' | 'remove'> = {}
  readonly rows = new Map<string, Buffer>()

  async get(process: string, blocks: readonly number[]): Promise<(Buffer | undefined)[]> {
    return faulty(this.faults, 'get', [process, blocks], () =>
      blocks.map((block) => {
        const row = this.rows.get(`${process}/${block}`)
        return row && Buffer.from(row)
      }),
    )
  }

  async put(process: string, block: number, index: Buffer): Promise<void> {
    await faulty(this.faults, 'put', [process, block, index], () => {
      this.rows.set(`${process}/${block}`, Buffer.from(index))
    })
  }

  async remove(process: string, block: number): Promise<void> {
    await faulty(this.faults, 'remove', [process, block], () => {
      this.rows.delete(`${process}/${block}`)
    })
  }

  alter(process: string, block: number, change: (row: Buffer) => Buffer): void {
    const row = this.rows.get(`${process}/${block}`)
    if (row === undefined) throw new Error('there is no such index')
    this.rows.set(`${process}/${block}`, change(Buffer.from(row)))
  }
}
