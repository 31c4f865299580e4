/** The condition that a head is still the one that was read, whatever its state. */
import type { PutItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Head } from '../../core/log/record.ts'

export const whileStill = ({
  next,
  state,
  lastAssignment,
  awaits,
}: Head): Pick<
  PutItemCommandInput,
  'ConditionExpression' | 'ExpressionAttributeNames' | 'ExpressionAttributeValues'
> => ({
  ConditionExpression: [
    '#state = :state AND #next = :next',
    lastAssignment ? '#last = :last' : 'attribute_not_exists(#last)',
    awaits === undefined ? 'attribute_not_exists(awaits)' : 'awaits = :awaits',
  ].join(' AND '),
  ExpressionAttributeNames: { '#state': 'state', '#next': 'next', '#last': 'last' },
  ExpressionAttributeValues: {
    ':state': { S: state },
    ':next': { N: String(next) },
    ...(lastAssignment && { ':last': { B: lastAssignment } }),
    ...(awaits !== undefined && { ':awaits': { N: String(awaits) } }),
  },
})
