/** How long calls take at the moment, as an instance sees it: what is asked again and again should not be asked faster than it is answered. */
import type { Clock } from '../ports/clock.ts'

export class RoundTrip {
  private readonly clock: Clock
  private average = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** ms; 0 before the first answer. */
  get ms(): number {
    return this.average
  }

  /** Passes on what the call gives, or fails with. */
  async measure<T>(call: Promise<T>): Promise<T> {
    const begun = this.clock.now()
    try {
      return await call
    } finally {
      const took = this.clock.now() - begun
      this.average = this.average === 0 ? took : this.average + (took - this.average) * 0.3
    }
  }
}
