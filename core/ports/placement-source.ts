/** What another router has placed, to be brought in. It is taken as it stands there: whether it is sound, the importer finds out. */
export interface PlacedElsewhere {
  /** Where it stands in the source, a whole number that rises: it is read on from there. */
  row: number
  /** What should be a process's id. */
  process: string
  /** What should be its unit's address; undefined where the source names none. */
  unit: string | undefined
}

export interface PlacementSource {
  /**
   * Everything that stands after this row (0: all of it), in the order of rows, a batch at a time; memory stays flat. Fails with
   * `unavailable`, or with `invalid-request` where the source is none that can be read.
   */
  after(row: number): AsyncIterable<readonly PlacedElsewhere[]>
}
