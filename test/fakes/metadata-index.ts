/** The index of metadata in memory, both its ports, with hooks for faults. */
import type { MetadataIndex, RecordMetadata, TimeIndex } from '../../core/ports/metadata-index.ts'
import { type Faults, faulty } from './faults.ts'

export class FakeMetadataIndex implements MetadataIndex, TimeIndex {
  faults: Faults<'index' | 'lastNonceUpTo'> = {}
  /** By process and nonce. */
  readonly rows = new Map<string, RecordMetadata>()

  async index(records: readonly RecordMetadata[]): Promise<void> {
    await faulty(this.faults, 'index', [records], () => {
      for (const record of records) this.rows.set(`${record.process}/${record.nonce}`, record)
    })
  }

  async lastNonceUpTo(process: string, timestamp: number): Promise<number | undefined> {
    try {
      return await faulty(this.faults, 'lastNonceUpTo', [process, timestamp], () =>
        [...this.rows.values()]
          .filter((row) => row.process === process && row.timeKey <= timestamp)
          .reduce<number | undefined>((last, { nonce }) => Math.max(last ?? nonce, nonce), undefined),
      )
    } catch {
      return undefined
    }
  }

  /** Nonces that are indexed, rising. */
  nonces(process: string): number[] {
    return [...this.rows.values()]
      .filter((row) => row.process === process)
      .map(({ nonce }) => nonce)
      .sort((a, b) => a - b)
  }
}
