/** The reconciler as a scheduled function: says what it found, and fails where it did not get through. */
import type { Context } from 'aws-lambda'
import { type ReconcileDeps, type ReconcileReport, reconcile } from '../core/relay/reconcile.ts'

export interface ReconcilerHandlerDeps extends ReconcileDeps {
  log: ReconcileDeps['log'] & { info(details: object, message: string): void }
  /** Writes metrics down; called when an invocation ends. */
  flush(): Promise<void>
}

/** What is begun just before the deadline may take so long: one upload, its row, the metrics; ms. */
const MARGIN_MS = 25_000
/** The next call comes in a minute: owed parts that are left then are due in it. */
const RUN_MS = 50_000

export function createReconcilerHandler({ flush, ...deps }: ReconcilerHandlerDeps) {
  return async (_event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<ReconcileReport> => {
    const remaining = context.getRemainingTimeInMillis()
    const deadline = deps.clock.now() + Math.min(RUN_MS, Math.max(remaining - MARGIN_MS, remaining / 2))
    try {
      const report = await reconcile(deps, deadline)
      if (report.marked > 0) deps.log.info({ ...report }, 'Reconciled.')
      return report
    } finally {
      await flush()
    }
  }
}
