/** Bodies in the bucket by their items' ids: adapter of `BodySource` (core/ports/restore-sources.ts). */
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { SchedulerError } from '../../core/errors.ts'
import type { BodySource } from '../../core/ports/restore-sources.ts'
import { blobPrefix } from './blob-store.ts'
import { objectBytes } from './object-bytes.ts'

export const createKeptBodies = (client: S3Client, bucket: string): BodySource => ({
  async bodies(id) {
    const bodies: Buffer[] = []
    try {
      for await (const { Contents = [] } of paginateListObjectsV2(
        { client },
        { Bucket: bucket, Prefix: blobPrefix(id) },
      )) {
        for (const { Key } of Contents) {
          bodies.push(await objectBytes(await client.send(new GetObjectCommand({ Bucket: bucket, Key }))))
        }
      }
    } catch (cause) {
      throw new SchedulerError('unavailable', 'The blob store does not answer', { retryAfter: 1, cause })
    }
    return bodies
  },
})
