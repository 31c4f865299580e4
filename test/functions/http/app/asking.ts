/** Requests and answers, short: for the tests of the app. */
import type { Hono } from 'hono'
import { expect } from 'vitest'
import { A, recordedRaw } from '../../../core/schedule/items.ts'
import type { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { type AppOptions, createUnitApp, type UnitApp } from './unit-app.ts'

type Body = Buffer | { raw: Buffer } | undefined

const bytesOf = (body: Body): Uint8Array<ArrayBuffer> | undefined =>
  body && new Uint8Array(Buffer.isBuffer(body) ? body : body.raw)

/** What Lambda says of a request, as Hono's bindings. */
export const from = (sourceIp: string) => ({ requestContext: { http: { sourceIp } } })

export const post = async (app: Hono, body?: Body, path = '/', headers: Record<string, string> = {}, env?: object) =>
  app.request(
    path,
    {
      method: 'POST',
      body: bytesOf(body) ?? null,
      headers: { 'content-type': 'application/octet-stream', ...headers },
    },
    env,
  )

/** The JSON of an answer that is one. */
export async function jsonOf(response: Response | Promise<Response>): Promise<Record<string, unknown>> {
  const answer = await response
  expect(answer.headers.get('content-type')).toBe('application/json')
  return JSON.parse(await answer.text())
}

export const getJson = (app: Hono, path: string) => jsonOf(app.request(path))

/** That an answer is an error as all are: JSON with a sentence and a code, for every origin, kept by nobody. */
export async function expectError(
  response: Response | Promise<Response>,
  status: number,
  code: string,
): Promise<Record<string, unknown>> {
  const answer = await response
  const body = await jsonOf(answer)
  expect({ status: answer.status, code: body.code }, String(body.error)).toEqual({ status, code })
  expect(body.error).toMatch(/./)
  expect(answer.headers.get('access-control-allow-origin')).toBe('*')
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(answer.headers.get('x-request-id')).toMatch(/./)
  if (status === 503 || status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  else expect(answer.headers.get('retry-after')).toBeNull()
  return body
}

/** Reads a body until it ends or breaks off. */
export async function drain(response: Response): Promise<{ text: string; broken: boolean }> {
  let text = ''
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
    return { text, broken: false }
  } catch {
    return { text, broken: true }
  }
}

/** A and B, and messages 1 to 3 in A. */
export async function filledApp(options?: AppOptions<VirtualClock>): Promise<UnitApp> {
  const unitApp = createUnitApp(options)
  for (const name of ['procA', 'procB', 'msg1', 'msg2', 'msg3'] as const) {
    expect((await post(unitApp.app, recordedRaw(name))).status).toBe(200)
  }
  return unitApp
}

export const page = (parameters = '', process = A) => `/${process}?process-id=${process}${parameters}`
