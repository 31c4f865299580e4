/** The bucket from configuration. Most messages have nothing there, so the client of S3 is loaded when something is asked for. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { SegmentObjects } from '../../core/ports/segment-store.ts'
import type { RelayConfig } from '../config/functions.ts'

export interface Bucket {
  /** Bodies of items. */
  blobs: BlobStore
  /** Segments. */
  objects: SegmentObjects
}

/** @param onS3 lets who measures or watches at the client */
export function openBucket(
  { s3Endpoint, bucket }: Pick<RelayConfig['store'], 's3Endpoint' | 'bucket'>,
  onS3?: (client: S3Client) => void,
): Bucket {
  let opened: Promise<Bucket> | undefined
  const open = async (): Promise<Bucket> => {
    const [{ createS3 }, { createBlobStore }, { createSegmentObjects }] = await Promise.all([
      import('../../db/s3/client.ts'),
      import('../../db/s3/blob-store.ts'),
      import('../../db/s3/segment-objects.ts'),
    ])
    const client = createS3(s3Endpoint)
    onS3?.(client)
    return { blobs: createBlobStore(client, bucket), objects: createSegmentObjects(client, bucket) }
  }
  const store = (): Promise<Bucket> => {
    opened ??= open()
    return opened
  }
  return {
    blobs: {
      put: async (ref, raw) => (await store()).blobs.put(ref, raw),
      get: async (ref) => (await store()).blobs.get(ref),
      check: async () => (await store()).blobs.check(),
    },
    objects: {
      put: async (name, bytes) => (await store()).objects.put(name, bytes),
      read: async (name, start, end) => (await store()).objects.read(name, start, end),
    },
  }
}
