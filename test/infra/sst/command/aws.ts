/** As much of AWS as the sst command asks for by itself: where its state is (SSM, S3), and who it is (STS). In memory, on 127.0.0.1. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface AwsStandIn {
  url: string
  /** What was asked: `PUT /bucket/key`, `AmazonSSM.GetParameter`. */
  asked: string[]
  /** Objects of S3 by their path. */
  objects: ReadonlyMap<string, Buffer>
  stop(): Promise<void>
}

/** The command has been here before: it finds its buckets. */
const bootstrap = {
  version: 99,
  asset: 'sst-asset-x',
  state: 'sst-state-x',
  assetEcrRegistryId: '123456789012',
  assetEcrUrl: '123456789012.dkr.ecr.us-east-1.amazonaws.com/sst-asset',
  appsyncHttp: '',
  appsyncRealtime: '',
}

export async function startAws(): Promise<AwsStandIn> {
  const parameters = new Map([['/sst/bootstrap', JSON.stringify(bootstrap)]])
  const objects = new Map<string, Buffer>()
  const asked: string[] = []

  const ofSsm = (action: string, request: Record<string, unknown>, response: ServerResponse) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    const name = String(request.Name)
    if (action === 'PutParameter') {
      parameters.set(name, String(request.Value))
      return response.end('{"Version":1}')
    }
    const value = parameters.get(name)
    if (value !== undefined) {
      return response.end(JSON.stringify({ Parameter: { Name: name, Value: value, Type: 'String', Version: 1 } }))
    }
    response.statusCode = 400
    return response.end(JSON.stringify({ __type: 'ParameterNotFound', message: name }))
  }

  const ofS3 = (path: string, request: IncomingMessage, body: Buffer, response: ServerResponse) => {
    switch (request.method) {
      case 'PUT':
        objects.set(path, unchunked(request, body))
        response.setHeader('etag', '"x"')
        return response.end()
      case 'GET': {
        const object = objects.get(path)
        if (object) return response.end(object)
        response.statusCode = 404
        response.setHeader('content-type', 'application/xml')
        return response.end('<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>not there</Message></Error>')
      }
      case 'DELETE':
        objects.delete(path)
        response.statusCode = 204
        return response.end()
      default:
        response.statusCode = 501
        return response.end()
    }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request)
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '')
    const target = String(request.headers['x-amz-target'] ?? '')
    asked.push(target || `${request.method} ${path}`)
    if (target.startsWith('AmazonSSM.')) ofSsm(target.slice('AmazonSSM.'.length), JSON.parse(body.toString()), response)
    else ofS3(path, request, body, response)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    objects,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped())
        server.closeAllConnections()
      }),
  }
}

/** SDKs send a body in signed chunks: `{length in hexadecimal};…\r\n{bytes}\r\n`. */
function unchunked({ headers }: IncomingMessage, body: Buffer): Buffer {
  if (!/aws-chunked|STREAMING/.test(`${headers['content-encoding']}${headers['x-amz-content-sha256']}`)) return body
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const length = Number.parseInt(body.toString('latin1', at, end), 16)
    if (!length) return Buffer.concat(chunks)
    chunks.push(body.subarray(end + 2, end + 2 + length))
    at = end + 2 + length + 2
  }
}
