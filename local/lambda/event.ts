/** A request as a function URL's event, payload version 2.0. */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { LambdaFunctionURLEvent } from 'aws-lambda'

export interface HttpRequest {
  method: string
  /** Path and query as they came. */
  target: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** The client's address. */
  address: string
}

/** Types of bodies that Lambda decodes as UTF-8 text. Every other body comes as base64, a third larger; forms do, too. */
const text = /^(text\/|application\/(json|javascript|xml)\b|[^;]*\+(json|xml)\b)/i

export const toEvent = ({ method, target, headers, body, address }: HttpRequest): LambdaFunctionURLEvent => {
  const question = target.indexOf('?')
  const rawPath = question < 0 ? target : target.slice(0, question)
  const rawQueryString = question < 0 ? '' : target.slice(question + 1)
  const { cookie, host = 'localhost', ...others } = headers
  const isBase64Encoded = body.length > 0 && !text.test(headers['content-type'] ?? '')
  const now = new Date()
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers: {
      ...Object.fromEntries(Object.entries(others).map(([name, value]) => [name, [value ?? ''].flat().join(',')])),
      host,
      'x-forwarded-for': address,
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '443',
    },
    ...(rawQueryString === '' ? {} : { queryStringParameters: joined(new URLSearchParams(rawQueryString)) }),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: host,
      domainPrefix: 'local',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: address, userAgent: headers['user-agent'] ?? '' },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  }
}

/** Lambda joins the values of a parameter that comes several times. */
const joined = (parameters: URLSearchParams): Record<string, string> => {
  const values: Record<string, string> = {}
  for (const [name, value] of parameters) {
    Object.defineProperty(values, name, {
      value: Object.hasOwn(values, name) ? `${values[name]},${value}` : value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return values
}
