/** A record of a DynamoDB stream, from the shape the SDK gives it to the one a function gets. */
import type { AttributeValue, _Record as SdkRecord } from '@aws-sdk/client-dynamodb-streams'

/** As in the event of a function; binary values are base64. */
export interface StreamRecord {
  eventID: string
  eventName: string
  eventVersion: string
  eventSource: 'aws:dynamodb'
  awsRegion: string
  eventSourceARN: string
  dynamodb: {
    Keys: Record<string, unknown>
    NewImage?: Record<string, unknown>
    SequenceNumber: string
    SizeBytes: number
    StreamViewType: string
    /** s */
    ApproximateCreationDateTime: number
  }
}

export const toStreamRecord = (record: SdkRecord, streamArn: string, region: string): StreamRecord => {
  const { dynamodb: change = {} } = record
  return {
    eventID: record.eventID ?? '',
    eventName: record.eventName ?? '',
    eventVersion: record.eventVersion ?? '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: region,
    eventSourceARN: streamArn,
    dynamodb: {
      Keys: toJson(change.Keys ?? {}),
      ...(change.NewImage === undefined ? {} : { NewImage: toJson(change.NewImage) }),
      SequenceNumber: change.SequenceNumber ?? '',
      SizeBytes: change.SizeBytes ?? 0,
      StreamViewType: change.StreamViewType ?? '',
      ApproximateCreationDateTime: Math.floor((change.ApproximateCreationDateTime?.getTime() ?? Date.now()) / 1000),
    },
  }
}

const toJson = (attributes: Record<string, AttributeValue>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, valueToJson(value)]))

const valueToJson = (value: AttributeValue): unknown => {
  if (value.B !== undefined) return { B: Buffer.from(value.B).toString('base64') }
  if (value.BS !== undefined) return { BS: value.BS.map((bytes) => Buffer.from(bytes).toString('base64')) }
  if (value.L !== undefined) return { L: value.L.map(valueToJson) }
  if (value.M !== undefined) return { M: toJson(value.M) }
  return value
}
