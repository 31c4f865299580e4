/** Write and read units, counted and limited for each key as DynamoDB does. */
import type { Clock } from '../../../../core/ports/clock.ts'

/** Units a second that a key takes. */
const LIMITS = { W: 1_000, R: 3_000 } as const

export type Unit = keyof typeof LIMITS

interface Usage {
  /** What is left at the moment of a second's worth. */
  left: number
  at: number
  second: number
  used: number
  peak: number
}

export class Capacity {
  /** Units by what they were used for. */
  readonly totals = new Map<string, number>()
  throttled = 0
  private readonly clock: Clock
  private readonly keys = new Map<string, Usage>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  count(use: string, unit: Unit, amount: number): void {
    const name = `${use} ${unit}`
    this.totals.set(name, (this.totals.get(name) ?? 0) + amount)
  }

  /** Units of a key that may get hot. False: it is throttled, and nothing is used. */
  take(key: string, unit: Unit, amount: number): boolean {
    const now = this.clock.now()
    const name = `${unit} ${key}`
    const usage = this.keys.get(name) ?? { left: LIMITS[unit], at: now, second: 0, used: 0, peak: 0 }
    this.keys.set(name, usage)
    usage.left = Math.min(LIMITS[unit], usage.left + ((now - usage.at) * LIMITS[unit]) / 1000)
    usage.at = now
    if (usage.left < amount) {
      this.throttled++
      return false
    }
    usage.left -= amount
    const second = Math.floor(now / 1000)
    if (second !== usage.second) Object.assign(usage, { second, used: 0 })
    usage.used += amount
    usage.peak = Math.max(usage.peak, usage.used)
    return true
  }

  /** The most units that any key was asked for in a second, as a share of what it takes. */
  peak(unit: Unit): number {
    const peaks = [...this.keys].flatMap(([name, { peak }]) => (name.startsWith(unit) ? [peak] : []))
    return Math.max(0, ...peaks) / LIMITS[unit]
  }

  sum(unit: Unit): number {
    return [...this.totals].reduce((sum, [name, amount]) => (name.endsWith(` ${unit}`) ? sum + amount : sum), 0)
  }

  reset(): void {
    this.totals.clear()
    this.keys.clear()
    this.throttled = 0
  }
}
