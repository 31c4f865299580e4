/** What calls a unit's functions without being asked: the stream of the log, and the clock. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type UnitFunctionName, unitFunctions } from '../infra/functions.ts'
import { localTableName } from './dynamodb.ts'
import type { StackLog } from './log.ts'
import type { RunningFunctions } from './running.ts'
import { startSchedules } from './schedules.ts'
import { startMapping } from './streams/mapping.ts'

export interface TriggerOptions {
  running: RunningFunctions<UnitFunctionName>
  /** DynamoDB's address. */
  endpoint: string
  stateDir: string
  log: StackLog
}

/** Gives what ends them, and the functions with them. */
export const startTriggers = ({ running, endpoint, stateDir, log }: TriggerOptions): (() => Promise<void>) => {
  const { relay, height, sweeper } = unitFunctions
  const mapping = startMapping({
    endpoint,
    table: localTableName(relay.trigger.table),
    trigger: relay.trigger,
    lambda: running.get('relay'),
    checkpointFile: join(stateDir, 'stream.json'),
    onGivenUp: (givenUp) => appendFileSync(join(stateDir, 'relay-given-up.jsonl'), `${JSON.stringify(givenUp)}\n`),
    onFailure: (message) => log.line('relay', message),
  })
  const schedules = startSchedules(
    [
      { lambda: running.get('height'), rate: height.trigger.rate },
      { lambda: running.get('sweeper'), rate: sweeper.trigger.rate },
    ],
    log.note,
  )
  return async () => {
    schedules.stop()
    // What the functions are at would hold up the stop, and comes again.
    await Promise.all([mapping.stop(), running.stop()])
  }
}
