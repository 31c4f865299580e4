/** What a run of the tests says at its end besides vitest's own lines: the seed, and which files took longest. */
import { relative } from 'node:path'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import type { Effort } from './effort.ts'

/** Wall time of a file's tests and hooks, and of its imports, in ms. */
const durationOf = (module: TestModule): number => {
  const { duration, collectDuration, setupDuration } = module.diagnostic()
  return duration + collectDuration + setupDuration
}

export class SlowestFiles implements Reporter {
  readonly #effort: Effort
  #vitest: Vitest | undefined

  constructor(effort: Effort) {
    this.#effort = effort
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
    vitest.logger.log(`Seed ${this.#effort.seed}${this.#effort.full ? ', full counts' : ''}.`)
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length < 2) return
    const slowest = [...modules].sort((a, b) => durationOf(b) - durationOf(a)).slice(0, 10)
    const lines = slowest.map((module) => {
      const seconds = (durationOf(module) / 1_000).toFixed(1).padStart(6)
      return `${seconds} s  ${relative(process.cwd(), module.moduleId)}`
    })
    this.#vitest?.logger.log(`\n The slowest files\n${lines.join('\n')}\n Seed ${this.#effort.seed}`)
  }
}
