/** The stream of the log, and the function that it calls, by the trigger in infra/functions.ts. */
import type { StreamTrigger } from '../functions.ts'
import { logicalOf } from './names.ts'
import type { Place } from './places.ts'

/** What is given up waits so long for somebody to look, s; the most that SQS keeps. */
const KEPT = 14 * 24 * 3600

/** Where the stream puts what it gives up. */
export const createFailures = ({ suffix, options }: Place): sst.aws.Queue =>
  new sst.aws.Queue(`Failures${suffix}`, { transform: { queue: { messageRetentionSeconds: KEPT } } }, options)

export interface StreamOptions {
  place: Place
  table: sst.aws.Dynamo
  failures: sst.aws.Queue
  reader: { name: string; function: sst.aws.Function }
  trigger: StreamTrigger
}

export const createStream = ({ place, table, failures, reader, trigger }: StreamOptions) =>
  new aws.lambda.EventSourceMapping(
    `${logicalOf(reader.name)}Stream${place.suffix}`,
    {
      eventSourceArn: table.nodes.table.streamArn,
      functionName: reader.function.arn,
      // What came before the mapping was there is done too.
      startingPosition: 'TRIM_HORIZON',
      batchSize: trigger.batchSize,
      maximumBatchingWindowInSeconds: trigger.batchWindow,
      parallelizationFactor: trigger.parallelization,
      bisectBatchOnFunctionError: trigger.bisect,
      functionResponseTypes: trigger.reportBatchItemFailures ? ['ReportBatchItemFailures'] : [],
      maximumRetryAttempts: trigger.maximumRetryAttempts,
      maximumRecordAgeInSeconds: trigger.maximumRecordAge,
      filterCriteria: { filters: trigger.filters.map((filter) => ({ pattern: JSON.stringify(filter) })) },
      destinationConfig: { onFailure: { destinationArn: failures.arn } },
    },
    // Lambda tries at once whether it may.
    { ...place.options, dependsOn: [reader.function] },
  )
