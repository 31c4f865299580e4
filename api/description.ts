/**
 * What the unit and the router say over HTTP, as OpenAPI 3.1: each route with its parameters, answers and error codes.
 * `api/generate.ts` writes `api/openapi.json` from it; docs/protocol.md has the meaning. `test/api/openapi.test.ts` holds
 * it against the routes, the parameters that the code reads, and real answers.
 */
import { Hono } from 'hono'
import { describeRoute, generateSpecs, resolver } from 'hono-openapi'
import type { OpenAPIV3_1 } from 'openapi-types'
import * as v from 'valibot'
import type { ErrorCode } from '../core/errors.ts'
import { aoCoreRoutes } from '../functions/http/ao-core-path.ts'
import { statuses } from '../functions/http/errors.ts'

const id = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))
const milliseconds = v.pipe(v.string(), v.regex(/^\d+$/))
const height = v.pipe(v.string(), v.regex(/^\d{12}$/))
const base64url = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]*$/))
const nonce = v.pipe(v.number(), v.integer())

const tags = v.array(v.strictObject({ name: v.string(), value: v.string() }))
const owner = v.strictObject({ address: id, key: base64url })
const signed = { id, owner, tags, signature: base64url, anchor: v.nullable(v.string()), target: v.nullable(base64url) }
const message = v.strictObject({ ...signed, data: v.nullable(v.string()) })
const assignment = v.strictObject(signed)
const record = v.strictObject({ message: v.nullable(message), assignment })
const page = v.strictObject({
  page_info: v.strictObject({ has_next_page: v.boolean() }),
  edges: v.array(v.strictObject({ node: record, cursor: v.string() })),
})
const { id: _, ...process } = signed
const processAnswer = v.strictObject({
  process_id: id,
  block: height,
  timestamp: v.number(),
  data: v.nullable(v.string()),
  ...process,
})
const receipt = v.strictObject({ id, timestamp: v.number() })
const status = v.strictObject({ address: id, timestamp: milliseconds })
const clock = v.strictObject({ block_height: height, timestamp: milliseconds })
const head = v.nullable(v.strictObject({ nonce, timestamp: v.number() }))

const scheduled = v.strictObject({
  process: id,
  slot: v.optional(nonce),
  id,
  assignment: v.optional(id),
  timestamp: v.number(),
  'block-height': nonce,
  epoch: v.string(),
  'hash-chain': v.optional(id),
  variant: v.literal('ao.TN.1'),
  type: v.literal('Assignment'),
})
const slot = v.strictObject({
  process: id,
  current: nonce,
  timestamp: v.number(),
  'block-height': nonce,
  addresses: v.array(id),
  variant: v.literal('ao.TN.1'),
  'cache-control': v.literal('no-store'),
})
const aoCoreItem = v.strictObject({
  Id: id,
  Anchor: v.string(),
  Owner: id,
  From: v.string(),
  Tags: tags,
  Target: base64url,
  Data: v.nullable(v.string()),
  Signature: base64url,
  PublicKey: base64url,
})
const aoCorePage = v.strictObject({
  page_info: v.strictObject({
    process: id,
    has_next_page: v.boolean(),
    timestamp: milliseconds,
    'block-height': milliseconds,
  }),
  edges: v.array(
    v.strictObject({
      cursor: nonce,
      node: v.strictObject({ message: v.union([aoCoreItem, v.strictObject({ Id: id })]), assignment: aoCoreItem }),
    }),
  ),
})

type Schema = Parameters<typeof resolver>[0]

interface Parameter {
  name: string
  in: 'query' | 'header' | 'path'
  description: string
  /** Of its value; text unless said. */
  type?: 'integer'
}

interface Route {
  method: 'get' | 'post'
  path: string
  summary: string
  parameters?: readonly Parameter[]
  /** Media type of the body, and its schema where it is JSON. */
  body?: { type: string; schema?: Schema }
  /** Media type of the answer with status 200, and its schema where it is JSON. */
  answers: Record<string, Schema | undefined>
  redirects?: boolean
  errors: readonly ErrorCode[]
}

const query = (name: string, description: string, type?: 'integer'): Parameter => ({
  name,
  in: 'query',
  description,
  ...(type && { type }),
})
const processId = query('process-id', 'The process that is asked about. `proc-id` means the same.')
const procId = query('proc-id', 'As `process-id`, as HyperBEAM sends it.')
const pathId = (name: string): Parameter => ({ name, in: 'path', description: 'An id of 43 base64url characters.' })
const target = query('target', 'The process, where the path does not name it.')

const pageParameters = [
  query('from', 'Records after this timestamp, ms.', 'integer'),
  query('to', 'Records up to this timestamp, ms.', 'integer'),
  query('from-nonce', 'Records after this nonce. A nonce parameter makes `from` and `to` ignored.', 'integer'),
  query('to-nonce', 'Records up to this nonce.', 'integer'),
  query('limit', 'Number of records, 100 if absent.', 'integer'),
  query('show-anchor', 'Any value: anchors of assignments that are not UTF-8 come as base64url.'),
  query('format', '`bundle`: the page as one ANS-104 bundle.'),
  query('sort', '`DESC`: from the newest record downwards, by nonces.'),
  query('wait', 'Seconds from 1 to 20 to wait for a record after `from-nonce`.', 'integer'),
]

const reading = ['invalid-request', 'not-found', 'forbidden', 'incomplete', 'unavailable'] as const
const posting = [
  'invalid-item',
  'invalid-request',
  'invalid-message',
  'not-found',
  'already-scheduled',
  'deep-hash-known',
  'message-too-large',
  'unreadable',
  'body-too-large',
  'unsupported-encoding',
  'unsupported-media-type',
  'forbidden',
  'frozen',
  'incomplete',
  'foreign-log',
  'unavailable',
] as const

export const routes: readonly Route[] = [
  {
    method: 'post',
    path: '/',
    summary: 'Schedules a data item, or assigns a transaction to a process.',
    parameters: [
      query('assign', 'The transaction to assign. Needs `process-id`; the body is ignored.'),
      processId,
      query('base-layer', 'Any value: the transaction is an Arweave transaction itself.'),
      query('exclude', 'Comma-separated names; each becomes an `Exclude` tag.'),
    ],
    body: { type: 'application/octet-stream' },
    answers: { 'application/json': receipt },
    redirects: true,
    errors: posting,
  },
  {
    method: 'get',
    path: '/',
    summary: 'The wallet of the scheduler.',
    parameters: [processId],
    answers: { 'application/json': status },
    redirects: true,
    errors: ['invalid-request', 'not-found', 'unavailable'],
  },
  {
    method: 'get',
    path: '/timestamp',
    summary: 'Time and block height.',
    parameters: [processId],
    answers: { 'application/json': clock },
    redirects: true,
    errors: ['invalid-request', 'not-found', 'unavailable'],
  },
  {
    method: 'get',
    path: '/{id}',
    summary: 'The schedule of a process; the record of a message, an assignment, a transaction, or a nonce.',
    parameters: [pathId('id'), processId, procId, ...pageParameters],
    answers: { 'application/json': v.union([page, record]), 'application/octet-stream': undefined },
    redirects: true,
    errors: [...reading, 'too-many-waiting'],
  },
  {
    method: 'get',
    path: '/{process}/latest',
    summary: 'The newest record of a process.',
    parameters: [pathId('process')],
    answers: { 'application/json': record },
    redirects: true,
    errors: reading,
  },
  {
    method: 'get',
    path: '/processes/{process}',
    summary: 'A process.',
    parameters: [pathId('process')],
    answers: { 'application/json': processAnswer },
    redirects: true,
    errors: reading,
  },
  {
    method: 'post',
    path: '/heads',
    summary: 'The newest nonce of each of up to 100 processes.',
    body: {
      type: 'application/json',
      schema: v.strictObject({ processes: v.pipe(v.array(id), v.maxLength(100)) }),
    },
    answers: { 'application/json': v.record(v.string(), head) },
    errors: ['invalid-request', 'body-too-large', 'unsupported-encoding', 'forbidden', 'unavailable'],
  },
  {
    method: 'post',
    path: aoCoreRoutes.schedule,
    summary: 'Schedules an ANS-104 item, and answers with its place in headers and body.',
    parameters: [
      target,
      query('codec-device', '`ans104@1.0`; also a header.'),
      { name: 'codec-device', in: 'header', description: '`ans104@1.0`.' },
    ],
    body: { type: 'application/ans104' },
    answers: { 'application/json': scheduled },
    redirects: true,
    errors: [...posting, 'process-mismatch', 'ans104-only'],
  },
  {
    method: 'get',
    path: aoCoreRoutes.schedule,
    summary: 'A page of the schedule as application/aos-2.',
    parameters: [
      target,
      query('from', 'The first slot.', 'integer'),
      query('to', 'The last slot.', 'integer'),
      query('limit', 'Number of records, 1000 at most and if absent.', 'integer'),
      query('accept', 'Media types, before those of the header.'),
      query('require-codec', 'A codec, instead of `accept`; also a header.'),
      { name: 'require-codec', in: 'header', description: 'As the parameter.' },
    ],
    answers: { 'application/json': aoCorePage },
    redirects: true,
    errors: [...reading, 'no-such-form'],
  },
  ...(['get', 'post'] as const).flatMap((method): Route[] => [
    {
      method,
      path: aoCoreRoutes.slot,
      summary: 'The last slot of a process, in headers and body.',
      parameters: [target],
      answers: { 'application/json': slot },
      redirects: true,
      errors: reading,
    },
    {
      method,
      path: aoCoreRoutes.currentSlot,
      summary: 'The last slot of a process as text.',
      parameters: [target],
      answers: { 'text/plain': undefined },
      redirects: true,
      errors: reading,
    },
    {
      method,
      path: aoCoreRoutes.elsewhere,
      summary: 'Paths that ask for computing or pushing: led to a HyperBEAM node, where one is configured.',
      answers: {},
      redirects: true,
      errors: ['scheduler-only'],
    },
  ]),
  {
    method: 'get',
    path: aoCoreRoutes.status,
    summary: 'The address of the scheduler.',
    answers: { 'application/json': v.strictObject({ address: id, variant: v.literal('ao.TN.1') }) },
    errors: [],
  },
  {
    method: 'get',
    path: aoCoreRoutes.location,
    summary: 'The location item that was published last.',
    answers: { 'application/ans104': undefined },
    errors: ['not-found', 'unavailable'],
  },
  {
    method: 'get',
    path: '/health',
    summary: 'Whether the unit can serve.',
    answers: { 'application/json': v.strictObject({ status: v.literal('ok') }) },
    errors: ['foreign-log', 'unavailable'],
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics of the instance as OpenMetrics.',
    answers: { 'application/openmetrics-text': undefined },
    errors: ['invalid-request'],
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This description.',
    answers: { 'application/json': v.looseObject({ openapi: v.string() }) },
    errors: [],
  },
]

/** Routes whose unknown process is 404, as AO-Core clients expect it. */
const isAoCore = (path: string) => path.startsWith('/~')

const errorSchema = (codes: readonly string[]) =>
  v.strictObject({
    error: v.string(),
    code: v.picklist(codes),
    id: v.optional(id),
    nonce: v.optional(nonce),
    timestamp: v.optional(v.number()),
    available: v.optional(v.array(v.string())),
  })

const json = (schema: Schema) => ({ 'application/json': { schema: resolver(schema) } })

function responsesOf({ path, answers, redirects, errors }: Route) {
  const types = Object.entries(answers)
  const binary = { schema: { type: 'string', format: 'binary' } as const }
  const byStatus = Map.groupBy(errors, (code) => (code === 'not-found' && isAoCore(path) ? 404 : statuses[code]))
  return {
    ...(types.length > 0 && {
      200: {
        description: 'The answer.',
        content: Object.fromEntries(
          types.map(([type, schema]) => [type, schema ? { schema: resolver(schema) } : binary]),
        ),
      },
    }),
    ...(redirects && { 307: { description: 'Asked of a router: `Location` is the address at the unit.' } }),
    ...Object.fromEntries(
      Array.from(byStatus, ([status, codes]) => [
        status,
        { description: `Refused: ${codes.join(', ')}.`, content: json(errorSchema(codes)) },
      ]),
    ),
    500: { description: 'A bug of the unit.', content: json(errorSchema(['internal'])) },
  }
}

/** The whole description. */
export async function describeApi(): Promise<OpenAPIV3_1.Document> {
  const app = new Hono()
  for (const route of routes) {
    const { method, path, summary, parameters = [], body } = route
    const described = describeRoute({
      operationId: `${method} ${path}`,
      summary,
      parameters: parameters.map(({ name, in: place, description, type = 'string' as const }) => ({
        name,
        in: place,
        description,
        required: place === 'path',
        schema: { type },
      })),
      ...(body && {
        requestBody: {
          content: {
            [body.type]: { schema: body.schema ? await schemaOf(body.schema) : { type: 'string', format: 'binary' } },
          },
        },
      }),
      responses: responsesOf(route),
    })
    app.on(method.toUpperCase(), path.replace(/\{(\w+)\}/g, ':$1'), described)
  }
  const spec = await generateSpecs(app, {
    excludeStaticFile: false,
    documentation: {
      info: {
        title: 'ao scheduler unit',
        version: '1.0.0',
        description:
          'Schedules messages of ao processes and serves their schedules. AO-Core paths have further forms; docs/protocol.md lists them.',
      },
    },
  })
  return spec as OpenAPIV3_1.Document
}

const schemaOf = async (schema: Schema) => (await resolver(schema).toOpenAPISchema()).schema
