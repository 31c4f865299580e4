import { createHash } from 'node:crypto'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBlobStore } from '../../../db/s3/blob-store.ts'
import { createS3 } from '../../../db/s3/client.ts'
import { createKeptBodies } from '../../../db/s3/kept-bodies.ts'
import { localCredentials, localRegion } from '../../../local/dynamodb.ts'
import { type LocalS3, startS3 } from '../../../local/s3.ts'

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

it('gives every body that is kept under an id', async () => {
  const bucket = local.variables.BUCKET ?? ''
  const blobs = createBlobStore(client, bucket)
  const bodies = createKeptBodies(client, bucket)
  const put = async (id: string, text: string) => {
    const raw = Buffer.from(text)
    await blobs.put({ id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }, raw)
  }
  await put('one', 'a')
  await put('one', 'b')
  await put('one-more', 'c')
  const texts = async (id: string) => (await bodies.bodies(id)).map((body) => body.toString()).sort()
  expect(await texts('one')).toEqual(['a', 'b'])
  expect(await texts('one-more')).toEqual(['c'])
  expect(await texts('on')).toEqual([])
})

it('is unavailable where S3 is', { timeout: 20_000 }, async () => {
  const nobody = createS3('http://127.0.0.1:9')
  await expect(createKeptBodies(nobody, 'b').bodies('x')).rejects.toMatchObject({ code: 'unavailable' })
})
