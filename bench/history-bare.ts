/** The same bytes from the same stores by plain HTTP, unchecked and thrown away: what no reader of history can beat here. */
import { Agent, request } from 'node:http'
import { BLOCK_RECORDS, blockOf, objectNames, type SegmentReader } from '../core/ports/segment-store.ts'
import { recordKey } from '../db/dynamodb/record-row.ts'
import { segmentKey } from '../db/s3/segment-objects.ts'

/** As many as the unit asks for in one call (db/dynamodb/batch-get.ts). */
const ROWS_A_CALL = 32

export interface BareStores {
  /** Fetches what a page of these nonces (both inclusive) needs, all of it at the same time. Gives the bytes that came. */
  fetch(process: string, first: number, last: number): Promise<number>
  close(): void
}

/** @param segments says where things are; `next` is how far the process goes */
export function openBareStores(environment: Record<string, string>, segments: SegmentReader, next: number): BareStores {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const { S3_ENDPOINT = '', DYNAMODB_ENDPOINT = '', BUCKET = '', RECORDS_TABLE = '' } = environment

  const ask = (url: URL, options: { headers?: Record<string, string>; body?: string } = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const { headers = {}, body } = options
      const sent = request(url, { agent, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        response.on('error', reject)
        response.on('end', () => {
          if ((response.statusCode ?? 500) >= 300) reject(new Error(`a store answered ${response.statusCode}`))
          else resolve(bytes)
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })

  const rows = (process: string, first: number, last: number): Promise<number> => {
    const Keys = Array.from({ length: last - first + 1 }, (_, n) => ({ pk: { S: recordKey(process, first + n) } }))
    return ask(new URL(DYNAMODB_ENDPOINT), {
      body: JSON.stringify({ RequestItems: { [RECORDS_TABLE]: { Keys } } }),
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'DynamoDB_20120810.BatchGetItem',
        // DynamoDB Local wants to see whose tables are meant, and looks at no signature.
        authorization: `AWS4-HMAC-SHA256 Credential=${environment.AWS_ACCESS_KEY_ID}/20260101/${environment.AWS_REGION}/dynamodb/aws4_request, SignedHeaders=host, Signature=none`,
        'x-amz-date': '20260101T000000Z',
      },
    })
  }

  return {
    async fetch(process, first, last) {
      const tail = blockOf(next) * BLOCK_RECORDS
      const blocks = Array.from({ length: blockOf(last) - blockOf(first) + 1 }, (_, n) => blockOf(first) + n)
      const calls: Promise<number>[] = []
      for (const index of await segments.blocks(process, blocks)) {
        for (const segment of index?.segments ?? []) {
          const share =
            (Math.min(segment.last, last) - Math.max(segment.first, first) + 1) / (segment.last - segment.first + 1)
          if (share <= 0) continue
          const [nodes] = objectNames(process, segment)
          const range = `bytes=0-${Math.ceil(segment.nodes.bytes * share) - 1}`
          calls.push(ask(new URL(`${S3_ENDPOINT}/${BUCKET}/${segmentKey(nodes)}`), { headers: { range } }))
        }
      }
      for (let at = Math.max(first, tail); at <= last; at += ROWS_A_CALL) {
        calls.push(rows(process, at, Math.min(last, at + ROWS_A_CALL - 1)))
      }
      return (await Promise.all(calls)).reduce((sum, bytes) => sum + bytes, 0)
    },
    close: () => agent.destroy(),
  }
}
