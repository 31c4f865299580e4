/** The bare app as a Lambda function, streamed as the router is. */
import { streamed } from '../functions/http/lambda.ts'
import { createBareApp } from './bare.ts'

export const handler = streamed(createBareApp(), async () => {})
