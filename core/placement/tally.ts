/**
 * How many processes each unit has, as one router sees it: what is counted, and its own choices that may not be counted yet.
 * Without those, all spawns that come at once would go to the unit that has the fewest just then.
 */
import type { PlacementStore } from '../ports/placement-store.ts'

interface Reading {
  counts: ReadonlyMap<string, number>
  /** Units chosen before or while it was read, and written meanwhile: it may have missed them. */
  missed: string[]
}

export class Tally {
  private readonly store: Pick<PlacementStore, 'counts'>
  /** Choices that are being written. */
  private readonly underWay: string[] = []
  private reading: { missed: string[]; done: Promise<Reading> } | undefined

  constructor(store: Pick<PlacementStore, 'counts'>) {
    this.store = store
  }

  /** Counts now; spawns that come at once share a reading. The answer holds until something is waited for. */
  async read(): Promise<(unit: string) => number> {
    this.reading ??= this.begin()
    const { counts, missed } = await this.reading.done
    const uncounted = (unit: string) => [...missed, ...this.underWay].filter((other) => other === unit).length
    return (unit) => (counts.get(unit) ?? 0) + uncounted(unit)
  }

  /** Counts a choice until it is written, or given up. */
  async during<T>(unit: string, write: () => Promise<T>): Promise<T> {
    this.underWay.push(unit)
    try {
      return await write()
    } finally {
      this.underWay.splice(this.underWay.indexOf(unit), 1)
      this.reading?.missed.push(unit)
    }
  }

  private begin(): { missed: string[]; done: Promise<Reading> } {
    const missed: string[] = []
    const done = this.store
      .counts()
      .then((counts) => ({ counts, missed }))
      .finally(() => {
        this.reading = undefined
      })
    return { missed, done }
  }
}
