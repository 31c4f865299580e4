/** Replacing a head that was read, outside of commits. */
import type { PutItemCommandInput } from '@aws-sdk/client-dynamodb'
import type { Head } from '../../core/log/record.ts'
import { sameHead } from '../../core/log/state.ts'
import { type Attributes, fromHeadRow } from './head-row.ts'

/** Whether a refused write finds its own head: an earlier attempt, whose answer was lost, has written it. */
export function stands(head: Head, row: Attributes | undefined): boolean {
  const standing = row && fromHeadRow(row)
  return standing !== undefined && sameHead(standing, head) && standing.awaits === head.awaits
}

/** The condition that a head is still the one that was read. */

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
