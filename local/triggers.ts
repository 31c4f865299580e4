/** What calls a unit's functions without being asked: the stream of the log, and the clock. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type StreamTrigger, type UnitFunctionName, unitFunctions } from '../infra/functions.ts'
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
  const { relay, packer, height, reconciler } = unitFunctions
  const follow = (name: 'relay' | 'packer', trigger: StreamTrigger, checkpoints: string) =>
    startMapping({
      endpoint,
      table: localTableName(trigger.table),
      trigger,
      lambda: running.get(name),
      checkpointFile: join(stateDir, checkpoints),
      onGivenUp: (givenUp) => appendFileSync(join(stateDir, 'relay-given-up.jsonl'), `${JSON.stringify(givenUp)}\n`),
      onFailure: (message) => log.line(name, message),
    })
  const mappings = [
    follow('relay', relay.trigger, 'stream.json'),
    follow('packer', packer.trigger, 'stream-packer.json'),
  ]
  const schedules = startSchedules(
    [
      { lambda: running.get('height'), rate: height.trigger.rate },
      { lambda: running.get('reconciler'), rate: reconciler.trigger.rate },
    ],
    log.note,
  )
  return async () => {
    schedules.stop()
    // What the functions are at would hold up the stop, and comes again.
    await Promise.all([...mappings.map((mapping) => mapping.stop()), running.stop()])
  }
}
