/** The S3 client, made at the edge once per instance. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client } from '@aws-sdk/client-s3'
import { NodeHttpHandler } from '@smithy/node-http-handler'

/** @param region the function's own unless said otherwise */
export function createS3(endpoint?: string, region?: string): S3Client {
  const sockets = { keepAlive: true, maxSockets: 64 }
  const client = new S3Client({
    ...(region && { region }),
    ...(endpoint && { endpoint, forcePathStyle: true }),
    maxAttempts: 3,
    // The digest that we send ourselves is the checksum; another one would double the work and change the transfer.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: 8_000,
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
    }),
  })
  // It copies all that is sent and comes, for a logger that there is none of.
  client.middlewareStack.remove('loggerMiddleware')
  return client
}
