/** Where the log is kept. The stack sets these; the endpoints only where they are not AWS's own. */
import * as v from 'valibot'
import { httpUrl, required, text } from './variables.ts'

const headsVariables = {
  HEADS_TABLE: required('the name of the DynamoDB table of heads', text),
  DYNAMODB_ENDPOINT: v.optional(httpUrl),
}

/** The table of heads alone: all that the height function writes to. */
export const heads = v.pipe(
  v.object(headsVariables),
  v.transform((env) => ({ headsTable: env.HEADS_TABLE, dynamodbEndpoint: env.DYNAMODB_ENDPOINT })),
)

export const store = v.pipe(
  v.object({
    ...headsVariables,
    RECORDS_TABLE: required('the name of the DynamoDB table of records', text),
    IDS_TABLE: required('the name of the DynamoDB table of ids', text),
    BUCKET: required('the name of the S3 bucket of large items', text),
    S3_ENDPOINT: v.optional(httpUrl),
  }),
  v.transform((env) => ({
    headsTable: env.HEADS_TABLE,
    recordsTable: env.RECORDS_TABLE,
    idsTable: env.IDS_TABLE,
    bucket: env.BUCKET,
    dynamodbEndpoint: env.DYNAMODB_ENDPOINT,
    s3Endpoint: env.S3_ENDPOINT,
  })),
)

/** The table of submissions: only who schedules knows of it. */
export const submissions = v.pipe(
  v.object({ SUBMISSIONS_TABLE: required('the name of the DynamoDB table of submissions', text) }),
  v.transform((env) => ({ submissionsTable: env.SUBMISSIONS_TABLE })),
)
