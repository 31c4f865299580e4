/** Bodies of items from configuration. Most messages have none there, so the client of S3 is loaded when the first one is asked for. */
import type { S3Client } from '@aws-sdk/client-s3'
import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { RelayConfig } from '../config/functions.ts'

/** @param onS3 lets who measures or watches at the client */
export function openBlobs(
  { s3Endpoint, bucket }: Pick<RelayConfig['store'], 's3Endpoint' | 'bucket'>,
  onS3?: (client: S3Client) => void,
): BlobStore {
  let opened: Promise<BlobStore> | undefined
  const open = async (): Promise<BlobStore> => {
    const [{ createS3 }, { createBlobStore }] = await Promise.all([
      import('../../db/s3/client.ts'),
      import('../../db/s3/blob-store.ts'),
    ])
    const client = createS3(s3Endpoint)
    onS3?.(client)
    return createBlobStore(client, bucket)
  }
  const store = (): Promise<BlobStore> => {
    opened ??= open()
    return opened
  }
  return {
    put: async (ref, raw) => (await store()).put(ref, raw),
    get: async (ref) => (await store()).get(ref),
    check: async () => (await store()).check(),
  }
}
