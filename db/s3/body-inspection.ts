/** Item bodies in S3 as they are: adapter of `BodyInspection` in `core/ports/log-inspection.ts`. */
import { createHash } from 'node:crypto'
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3'
import { SchedulerError } from '../../core/errors.ts'
import type { BodyInspection } from '../../core/ports/log-inspection.ts'
import { blobKey } from './blob-store.ts'
import { objectBytes } from './object-bytes.ts'

export const createBodyInspection = (client: S3Client, bucket: string): BodyInspection => ({
  async body(ref) {
    try {
      const raw = await objectBytes(await client.send(new GetObjectCommand({ Bucket: bucket, Key: blobKey(ref) })))
      return createHash('sha256').update(raw).digest().equals(ref.sha256) ? raw : { damage: 'unreadable' }
    } catch (cause) {
      // S3 says so only to whoever may list the bucket; to others it denies access, which tells nothing.
      if (cause instanceof NoSuchKey) return { damage: 'missing' }
      throw new SchedulerError('unavailable', 'The blob store does not answer', { retryAfter: 1, cause })
    }
  },
})
