/** The sweep as a scheduled function: says what it found, and fails where it did not get through. */
import { type SweepDeps, type SweepReport, sweep } from '../core/relay/sweep.ts'

export interface SweeperHandlerDeps extends SweepDeps {
  log: SweepDeps['log'] & { info(details: object, message: string): void }
  /** Writes metrics down; called when an invocation ends. */
  flush(): Promise<void>
}

export function createSweeperHandler({ flush, ...deps }: SweeperHandlerDeps) {
  return async (): Promise<SweepReport> => {
    try {
      const report = await sweep(deps)
      deps.log.info({ ...report }, 'Swept.')
      // Lambda tries a failed scheduled call again, and its alarm sees it.
      if (report.failed > 0) throw new Error(`${report.failed} of ${report.behind} processes could not be woken`)
      return report
    } finally {
      await flush()
    }
  }
}
