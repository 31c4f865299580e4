/** Freezes and opens heads for a move: adapter of `core/ports/log-fence.ts`. */
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { HeadState } from '../../core/log/record.ts'
import type { LogFence } from '../../core/ports/log-fence.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { headKey } from './head-row.ts'

export function createLogFence({ client, tables }: DynamoDb<'heads'>): LogFence {
  async function set(
    process: string,
    state: HeadState,
    awaits: number | undefined,
    condition: string,
  ): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: tables.heads,
      Key: headKey(process),
      UpdateExpression: awaits === undefined ? 'SET #state = :state' : 'SET #state = :state, awaits = :awaits',
      ConditionExpression: condition,
      ExpressionAttributeNames: { '#state': 'state' },
      ExpressionAttributeValues: {
        ':state': { S: state },
        ...(awaits !== undefined && { ':awaits': { N: String(awaits) } }),
        ...(state === 'open' ? { ':frozen': { S: 'frozen' } } : { ':open': { S: 'open' } }),
      },
    })
    return (await writeOnCondition((options) => client.send(command, options))).written
  }
  return {
    freeze: (process, awaits) =>
      set(
        process,
        'frozen',
        awaits,
        '(#state = :open AND (attribute_not_exists(awaits) OR awaits < :awaits)) OR (#state = :state AND awaits <= :awaits)',
      ),
    // One that is open for this version was opened before, perhaps by an attempt of our own whose answer was lost.
    open: (process, awaits) =>
      set(
        process,
        'open',
        awaits,
        `(#state = :frozen OR #state = :state) AND ${awaits === undefined ? 'attribute_not_exists(awaits)' : 'awaits = :awaits'}`,
      ),
  }
}
