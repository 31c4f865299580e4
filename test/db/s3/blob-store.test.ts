import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { blobKey, createBlobStore } from '../../../db/s3/blob-store.ts'
import { createBodyInspection } from '../../../db/s3/body-inspection.ts'
import { createS3 } from '../../../db/s3/client.ts'
import { localCredentials, localRegion } from '../../../local/dynamodb.ts'
import { type LocalS3, startS3 } from '../../../local/s3.ts'
import { blobOf, blobStoreSuite } from '../../suites/blob-store.ts'

let local: LocalS3
let client: S3Client

beforeAll(async () => {
  process.env.AWS_REGION = localRegion
  process.env.AWS_ACCESS_KEY_ID = localCredentials.accessKeyId
  process.env.AWS_SECRET_ACCESS_KEY = localCredentials.secretAccessKey
  local = await startS3()
  client = createS3(local.url)
})
afterAll(async () => {
  client.destroy()
  await local.stop()
})

const bucket = () => local.variables.BUCKET ?? ''

blobStoreSuite('S3', () => ({
  store: createBlobStore(client, bucket()),
  inspection: createBodyInspection(client, bucket()),
  async spoil(ref) {
    await client.send(new PutObjectCommand({ Bucket: bucket(), Key: blobKey(ref), Body: Buffer.from('spoilt') }))
  },
}))

it('an unreachable S3 is unavailable', { timeout: 20_000 }, async () => {
  const nobody = createS3('http://127.0.0.1:9')
  const raw = Buffer.from('x')
  await expect(createBlobStore(nobody, 'b').put(blobOf(raw), raw)).rejects.toMatchObject({ code: 'unavailable' })
  await expect(createBlobStore(nobody, 'b').check()).rejects.toMatchObject({ code: 'unavailable' })
  await expect(createBlobStore(nobody, 'b').get(blobOf(raw))).rejects.toMatchObject({ code: 'unavailable' })
  await expect(createBodyInspection(nobody, 'b').body(blobOf(raw))).rejects.toMatchObject({ code: 'unavailable' })
})
