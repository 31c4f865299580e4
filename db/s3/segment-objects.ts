/** Segments in S3: adapter of `SegmentObjects` (core/ports/segment-store.ts). A key names its content, so an object never changes. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { SchedulerError } from '../../core/errors.ts'
import type { ObjectName, SegmentObjects } from '../../core/ports/segment-store.ts'
import { objectBytes } from './object-bytes.ts'

/** All attempts together, ms. A page has the log to read from; the relay comes again. */
const READ_MS = 3_000
const WRITE_MS = 8_000

/** What is longer goes in pieces of this length (at AWS at least 5 MB). */
const PIECE_BYTES = 8_000_000

export const segmentKey = ({ process, first, form, sha256 }: ObjectName): string =>
  `segments/${process}/${first}/${sha256.toString('base64url')}${form === 'bundle' ? '.bundle' : ''}`

export function createSegmentObjects(client: S3Client, bucket: string): SegmentObjects {
  return {
    async put(name, bytes) {
      const object = { Bucket: bucket, Key: segmentKey(name) }
      try {
        if (bytes.length <= PIECE_BYTES) await putWhole(client, object, name.sha256, bytes)
        else await putInPieces(client, object, bytes)
      } catch (cause) {
        throw unanswered(cause)
      }
    },

    async read(name, start, end) {
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: segmentKey(name),
        Range: `bytes=${start}-${end - 1}`,
      })
      try {
        return await objectBytes(await client.send(command, within(READ_MS)))
      } catch (cause) {
        if (cause instanceof NoSuchKey) return undefined
        // The object is there, and ends before this.
        if (cause instanceof S3ServiceException && cause.name === 'InvalidRange') return Buffer.alloc(0)
        throw unanswered(cause)
      }
    },
  }
}

interface ObjectAddress {
  Bucket: string
  Key: string
}

async function putWhole(client: S3Client, object: ObjectAddress, sha256: Buffer, bytes: Buffer): Promise<void> {
  await client.send(
    new PutObjectCommand({
      ...object,
      Body: bytes,
      ContentType: 'application/octet-stream',
      // S3 itself refuses bytes that were altered on the way.
      ChecksumSHA256: sha256.toString('base64'),
    }),
    within(WRITE_MS),
  )
}

async function putInPieces(client: S3Client, object: ObjectAddress, bytes: Buffer): Promise<void> {
  const begin = new CreateMultipartUploadCommand({ ...object, ContentType: 'application/octet-stream' })
  const { UploadId } = await client.send(begin, within(WRITE_MS))
  // Whoever fails or is killed on the way leaves the pieces to the bucket's rule for unfinished uploads.
  const pieces = []
  for (let start = 0, PartNumber = 1; start < bytes.length; start += PIECE_BYTES, PartNumber++) {
    const piece = bytes.subarray(start, start + PIECE_BYTES)
    const { ETag } = await client.send(
      new UploadPartCommand({ ...object, UploadId, PartNumber, Body: piece }),
      within(WRITE_MS),
    )
    pieces.push({ ETag, PartNumber })
  }
  const complete = new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload: { Parts: pieces } })
  await client.send(complete, within(WRITE_MS))
}

const within = (ms: number) => ({ abortSignal: AbortSignal.timeout(ms) })

const unanswered = (cause: unknown) =>
  new SchedulerError('unavailable', 'The store of segments does not answer', { retryAfter: 1, cause })
