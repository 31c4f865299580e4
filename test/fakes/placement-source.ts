/** What another router has placed, in memory, with hooks for faults. */
import type { PlacedElsewhere, PlacementSource } from '../../core/ports/placement-source.ts'
import { type Faults, faulty } from './faults.ts'

export class FakePlacementSource implements PlacementSource {
  faults: Faults<'after'> = {}
  readonly rows: PlacedElsewhere[]
  /** Rows that it gave out since it was made. */
  given = 0
  private readonly batchRows: number

  constructor(rows: readonly PlacedElsewhere[], batchRows = 10) {
    this.rows = [...rows]
    this.batchRows = batchRows
  }

  async *after(row: number): AsyncGenerator<PlacedElsewhere[]> {
    for (let last = row; ; ) {
      const batch = await faulty(this.faults, 'after', [last], () =>
        this.rows.filter((one) => one.row > last).slice(0, this.batchRows),
      )
      const end = batch.at(-1)
      if (end === undefined) return
      this.given += batch.length
      yield batch
      last = end.row
    }
  }
}
