/** Item bodies in S3: adapter of `core/ports/blob-store.ts`. A key names its content, so an object never changes. */
import { createHash } from 'node:crypto'
import { GetObjectCommand, HeadBucketCommand, NoSuchKey, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { SchedulerError } from '../../core/errors.ts'
import { type BlobRef, type BlobStore, LostBlob } from '../../core/ports/blob-store.ts'
import { objectBytes } from './object-bytes.ts'

export const blobKey = ({ id, sha256 }: BlobRef): string => `${blobPrefix(id)}${sha256.toString('base64url')}`

/** What the keys of all bodies of an item begin with. */
export const blobPrefix = (id: string): string => `items/${id}/`

export function createBlobStore(client: S3Client, bucket: string): BlobStore {
  return {
    async put(ref, raw) {
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: blobKey(ref),
            Body: raw,
            ContentType: 'application/octet-stream',
            // S3 itself refuses bytes that were altered on the way.
            ChecksumSHA256: ref.sha256.toString('base64'),
          }),
        )
      } catch (cause) {
        throw unanswered(cause)
      }
    },

    async get(ref) {
      const raw = await fetchObject(client, bucket, ref)
      if (createHash('sha256').update(raw).digest().equals(ref.sha256)) return raw
      throw new LostBlob(ref, 'altered')
    },

    async check() {
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }))
      } catch (cause) {
        throw unanswered(cause)
      }
    },
  }
}

async function fetchObject(client: S3Client, bucket: string, ref: BlobRef): Promise<Buffer> {
  try {
    return await objectBytes(await client.send(new GetObjectCommand({ Bucket: bucket, Key: blobKey(ref) })))
  } catch (cause) {
    // Without the right to list the bucket, S3 answers 403 instead: that is no proof.
    if (cause instanceof NoSuchKey) throw new LostBlob(ref, 'missing')
    throw unanswered(cause)
  }
}

const unanswered = (cause: unknown) =>
  new SchedulerError('unavailable', 'The blob store does not answer', { retryAfter: 1, cause })
