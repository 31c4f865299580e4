/** Segments in S3 keep to the behaviours of their port, also where S3 is away or slow. */
import { createServer } from 'node:http'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createS3 } from '../../../db/s3/client.ts'
import { createSegmentObjects } from '../../../db/s3/segment-objects.ts'
import { localCredentials, localRegion } from '../../../local/dynamodb.ts'
import { portOf } from '../../../local/free-port.ts'
import { type LocalS3, startS3 } from '../../../local/s3.ts'
import { nameOf, segmentObjectsSuite } from '../../suites/segment-stores.ts'

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

segmentObjectsSuite('S3', () => createSegmentObjects(client, local.variables.BUCKET ?? ''))

const bytes = Buffer.from('x')

it('an unreachable S3, and a bucket that is not there, are unavailable: no object is missing for that', async () => {
  const nobody = createSegmentObjects(createS3('http://127.0.0.1:9'), 'b')
  const nowhere = createSegmentObjects(client, 'another-bucket')
  for (const store of [nobody, nowhere]) {
    await expect(store.read(nameOf(bytes), 0, 1)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(store.put(nameOf(bytes), bytes)).rejects.toMatchObject({ code: 'unavailable' })
  }
})

it.each(['stalls', 'is cut'])('an answer that %s midway is no answer', async (how) => {
  const broken = createServer((_, response) => {
    response.writeHead(206, { 'content-length': 200_000 })
    response.write(Buffer.alloc(100_000))
    if (how === 'is cut') setTimeout(() => response.destroy(), 20)
  })
  await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
  const s3 = createS3(`http://127.0.0.1:${portOf(broken)}`)
  try {
    const store = createSegmentObjects(s3, 'b')
    await expect(store.read(nameOf(bytes), 0, 200_000)).rejects.toMatchObject({ code: 'unavailable' })
  } finally {
    s3.destroy()
    broken.closeAllConnections()
    broken.close()
  }
})

it('an S3 that does not answer is not waited for long', async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const slow = createS3(`http://127.0.0.1:${portOf(silent)}`)
  try {
    const store = createSegmentObjects(slow, 'b')
    await expect(store.read(nameOf(bytes), 0, 1)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(store.put(nameOf(bytes), bytes)).rejects.toMatchObject({ code: 'unavailable' })
  } finally {
    slow.destroy()
    silent.closeAllConnections()
    silent.close()
  }
})
