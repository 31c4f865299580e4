/** An object's bytes as S3 sends them, gathered in one buffer of the length that it announces: nothing is copied twice, nothing held twice. */
import { Readable } from 'node:stream'
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'

/** Fails where there is no body, and where it breaks off or is not as long as announced. */
export async function objectBytes({
  Body,
  ContentLength,
}: Pick<GetObjectCommandOutput, 'Body' | 'ContentLength'>): Promise<Buffer> {
  if (!(Body instanceof Readable) || ContentLength === undefined) throw new Error('no body, or none with a length')
  const bytes = Buffer.allocUnsafeSlow(ContentLength)
  let used = 0
  for await (const chunk of Body as AsyncIterable<Buffer>) {
    if (used + chunk.length > bytes.length) throw new Error('the body is longer than announced')
    used += chunk.copy(bytes, used)
  }
  if (used < bytes.length) throw new Error('the body is shorter than announced')
  return bytes
}
