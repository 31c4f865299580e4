/**
 * How many processes each unit has, as one router sees it: the counters, and its own choices that may not be counted yet.
 * Without those, all spawns that arrive at once would go to the unit that has the fewest at that moment.
 */
import type { PlacementStore } from '../ports/placement-store.ts'

interface Reading {
  counts: ReadonlyMap<string, number>
  dead: ReadonlySet<string>
  /** Units chosen before or during the reading, and written meanwhile: it may have missed them. */
  missed: string[]
}

export class Tally {
  private readonly store: Pick<PlacementStore, 'counts' | 'deadAmong'>
  private readonly units: readonly string[]
  /** Choices that are being written. */
  private readonly underWay: string[] = []
  private reading: { missed: string[]; done: Promise<Reading> } | undefined

  /** @param units addresses of those that are asked whether they are alive */
  constructor(store: Pick<PlacementStore, 'counts' | 'deadAmong'>, units: readonly string[]) {
    this.store = store
    this.units = units
  }

  /**
   * How many processes a unit has now, and which units are dead. Spawns that arrive at once share a reading. The answer holds
   * until the caller awaits anything else.
   */
  async read(): Promise<{ processes: (unit: string) => number; dead: ReadonlySet<string> }> {
    this.reading ??= this.begin()
    const { counts, dead, missed } = await this.reading.done
    const uncounted = (unit: string) => [...missed, ...this.underWay].filter((other) => other === unit).length
    return { processes: (unit) => (counts.get(unit) ?? 0) + uncounted(unit), dead }
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
    const done = Promise.all([this.store.counts(), this.store.deadAmong(this.units)])
      .then(([counts, dead]) => ({ counts, dead, missed }))
      .finally(() => {
        this.reading = undefined
      })
    return { missed, done }
  }
}
