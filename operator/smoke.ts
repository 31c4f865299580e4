/**
 * Checks a scheduler unit or a router from outside, as clients use it: `npm run smoke -- URL` (docs/deploy.md, "The first stage"). It asks
 * over HTTP and needs no credentials. Exit status: 0 every check passed or could not be made; 1 a check failed; 2 wrong usage.
 */
import { generateKeyPairSync } from 'node:crypto'
import * as v from 'valibot'
import { isId } from '../core/ans104/base64url.ts'
import { createSigner } from '../core/ans104/signer.ts'
import { parse, UsageError } from './command.ts'

const usage = [
  'Usage: npm run smoke -- URL [--write | --process PROCESS] [--function-url URL] [--requests N] [--slow-ms N] [--json]',
  '',
  '  URL             the address of the CDN in front of a unit or a router',
  '  --write         spawns a process and posts two messages: they are uploaded to Arweave and stay there',
  '  --process       reads this process, which has at least two messages',
  '  --function-url  the address of the Lambda function behind the CDN: it must refuse',
  '  --requests      pages that are read to find sporadic failures, 100',
  '  --slow-ms       an answer that takes longer fails its check, 1000',
  '  --json          one JSON object a line',
].join('\n')

const options = {
  write: { type: 'boolean' },
  process: { type: 'string' },
  'function-url': { type: 'string' },
  requests: { type: 'string' },
  'slow-ms': { type: 'string' },
  json: { type: 'boolean' },
} as const

export interface SmokeOptions {
  url: string
  /** What is read; none: nothing but what needs no process. `write`: a process that is spawned first. */
  process: string | 'write' | undefined
  functionUrl: string | undefined
  requests: number
  slowMs: number
}

export interface Finding {
  check: string
  outcome: 'passed' | 'failed' | 'unchecked'
  /** Time to the end of the slowest answer, where answers were timed. */
  ms?: number
  /** What was found, or why nothing could be. */
  detail: string
}

interface Answer {
  status: number
  headers: Headers
  text: string
  ms: number
}

/** An answer whose end never comes is no answer. */
const TIMEOUT_MS = 30_000
const AT_ONCE = 5
/** CloudFront compresses nothing shorter, bytes. */
const COMPRESSIBLE = 1_000

/** Gives a finding for each check as it is made. */
export async function* smoke({ url, process, functionUrl, requests, slowMs }: SmokeOptions): AsyncGenerator<Finding> {
  const check = async (name: string, look: () => Promise<{ answers?: Answer[]; detail: string }>): Promise<Finding> => {
    try {
      const { answers = [], detail } = await look()
      const ms = Math.max(...answers.map((answer) => answer.ms))
      if (ms > slowMs) throw new Failure(`An answer took ${ms} ms.`)
      return { check: name, outcome: 'passed', ...(answers.length > 0 && { ms }), detail }
    } catch (error) {
      if (error instanceof Unchecked) return { check: name, outcome: 'unchecked', detail: error.message }
      return { check: name, outcome: 'failed', detail: reasonOf(error) }
    }
  }
  const at = (path: string) => new URL(path, url)

  yield await check('health', async () => {
    const answer = expectStatus(await ask(at('/health')), 200)
    return { answers: [answer], detail: 'The unit answers.' }
  })
  yield await check('identity', async () => {
    const answer = await ask(at('/'))
    if (answer.status === 400) throw new Unchecked('The address is a router, which has no wallet.')
    return { answers: [expectStatus(answer, 200)], detail: excerpt(answer.text) }
  })
  yield await check('preflight', async () => {
    const answer = await ask(at('/'), {
      method: 'OPTIONS',
      headers: { origin: 'https://client.example', 'access-control-request-method': 'POST' },
    })
    if (answer.status >= 300) throw new Failure(`The status is ${answer.status}.`)
    expectCors(answer)
    const methods = answer.headers.get('access-control-allow-methods') ?? ''
    if (!/POST|^\*$/.test(methods)) throw new Failure(`The methods that are allowed are "${methods}", without POST.`)
    return { answers: [answer], detail: `${answer.status}, ${methods}` }
  })
  yield await check('HEAD', async () => {
    const answer = expectStatus(await ask(at('/health'), { method: 'HEAD' }), 200)
    return { answers: [answer], detail: 'The answer ends.' }
  })
  yield await check('error', async () => {
    const answer = await ask(at(`/${'A'.repeat(43)}`))
    if (answer.status < 400 || answer.status > 499) throw new Failure(`The status is ${answer.status}, not 4xx.`)
    expectCors(answer)
    return { answers: [answer], detail: `${answer.status}, readable in a browser` }
  })
  yield await check('function URL', async () => {
    if (functionUrl === undefined) throw new Unchecked('Give the address of the function: --function-url URL.')
    const answer = expectStatus(await ask(new URL('/health', functionUrl)), 403)
    return { answers: [answer], detail: 'It refuses what does not come through the CDN.' }
  })

  let id = process
  if (process === 'write') {
    yield await check('spawn and post', async () => {
      const { process: spawned, answers } = await spawn(at('/'))
      id = spawned
      // Signing and committing take their time: no limit on these.
      return {
        detail: `The process ${spawned} and two messages, ${Math.max(...answers.map(({ ms }) => ms))} ms at most`,
      }
    })
  }
  const read = id === undefined || id === 'write' ? undefined : id
  const target = (): string => {
    if (read === undefined) throw new Unchecked('There is no process to read: --process PROCESS, or --write.')
    return read
  }

  yield await check('redirect', async () => {
    const answer = await ask(at(`/${target()}`), { redirect: 'manual' })
    if (answer.status === 200) throw new Unchecked('The address is no router that redirects.')
    expectStatus(answer, 307)
    return { answers: [answer], detail: `to ${answer.headers.get('location')}` }
  })
  yield await check('newest page', async () => {
    const answer = expectStatus(await ask(pageOf(url, target())), 200)
    const { edges } = v.parse(pageShape, JSON.parse(answer.text))
    return { answers: [answer], detail: `${edges.length} entries` }
  })
  yield await check('immutable page', async () => {
    const first = await settledPage(url, target())
    const again = expectStatus(await ask(pageOf(url, target(), { limit: '1' })), 200)
    if (again.text !== first.text) throw new Failure('Two reads of an immutable page differ.')
    const cache = again.headers.get('x-cache') ?? 'no x-cache header, no CDN'
    if (cache.startsWith('Miss')) throw new Failure(`The CDN does not keep it: x-cache is "${cache}".`)
    return { answers: [first, again], detail: cache }
  })
  yield await check('304', async () => {
    const { headers } = await settledPage(url, target())
    const etag = headers.get('etag') ?? ''
    const answer = expectStatus(
      await ask(pageOf(url, target(), { limit: '1' }), { headers: { 'if-none-match': etag } }),
      304,
    )
    return { answers: [answer], detail: etag }
  })
  yield await check('repeated reads', async () => {
    const answers = await pagesOf(url, target(), requests)
    const failed = answers.filter(({ status }) => status !== 200)
    if (failed.length > 0) throw new Failure(`${failed.length} of ${requests} failed, with ${statusesOf(failed)}.`)
    return { answers, detail: `${requests} answers, none failed` }
  })
  yield await check('compression', async () => {
    const answer = expectStatus(await ask(pageOf(url, target())), 200)
    const coding = answer.headers.get('content-encoding')
    if (coding !== null) return { detail: coding }
    if (answer.text.length < COMPRESSIBLE) throw new Unchecked(`The page is shorter than ${COMPRESSIBLE} bytes.`)
    if (answer.headers.get('x-cache') === null) throw new Unchecked('There is no CDN, which compresses.')
    throw new Failure('A page through the CDN is not compressed.')
  })
  for (const [name, detail] of outOfReach) yield { check: name, outcome: 'unchecked', detail }
}

/** What cannot be seen from outside. */
const outOfReach: readonly (readonly [string, string])[] = [
  ['relay', 'Look at its Duration in CloudWatch after a hundred messages, and for the messages at the gateway.'],
  ['alarms', 'Confirm the mail of each topic. aws cloudwatch set-alarm-state sends a test alarm.'],
]

class Failure extends Error {}
class Unchecked extends Error {}

const pageShape = v.object({ edges: v.array(v.unknown()) })
const postedShape = v.object({ id: v.pipe(v.string(), v.check(isId)) })

/** The answer, read to its end. */
async function ask(url: URL, init: RequestInit = {}): Promise<Answer> {
  const started = performance.now()
  const headers = { 'accept-encoding': 'gzip, deflate, br', ...init.headers }
  const answer = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, text, ms: Math.round(performance.now() - started) }
}

function expectStatus(answer: Answer, status: number): Answer {
  if (answer.status === status) return answer
  throw new Failure(`The status is ${answer.status}, not ${status}: ${excerpt(answer.text)}`)
}

function expectCors({ headers }: Answer): void {
  const origin = headers.get('access-control-allow-origin')
  if (origin !== '*') throw new Failure(`A browser may not read the answer: access-control-allow-origin is ${origin}.`)
}

const pageOf = (url: string, process: string, query: Record<string, string> = {}): URL => {
  const page = new URL(`/${process}`, url)
  page.search = String(new URLSearchParams({ 'process-id': process, ...query }))
  return page
}

/** The first page of one entry, which can never change where there is a second entry. */
async function settledPage(url: string, process: string): Promise<Answer> {
  const answer = expectStatus(await ask(pageOf(url, process, { limit: '1' })), 200)
  const keeping = answer.headers.get('cache-control') ?? ''
  if (!keeping.includes('immutable'))
    throw new Unchecked(`The first page of ${process} is not immutable: post a message.`)
  if (answer.headers.get('etag') === null) throw new Failure('An immutable page has no ETag.')
  return answer
}

/** Each by a query of its own, so that none comes out of a cache. */
async function pagesOf(url: string, process: string, count: number): Promise<Answer[]> {
  const answers: Answer[] = []
  const stamp = Date.now()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) answers.push(await ask(pageOf(url, process, { smoke: `${stamp}-${next++}` })))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return answers
}

const statusesOf = (answers: readonly Answer[]): string => [...new Set(answers.map(({ status }) => status))].join(', ')

/** A process by a wallet of its own, and two messages to it. */
async function spawn(url: URL): Promise<{ process: string; answers: Answer[] }> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  const signer = createSigner(privateKey.export({ format: 'jwk' }))
  const answers: Answer[] = []
  const post = async (type: string, own: Record<string, string>, target?: string): Promise<string> => {
    const named = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1', Type: type, ...own }
    const { raw } = await signer.sign({
      ...(target !== undefined && { target: Buffer.from(target, 'base64url') }),
      tags: Object.entries(named).map(([name, value]) => ({ name, value })),
      data: Buffer.from('A smoke test.'),
    })
    const headers = { 'content-type': 'application/octet-stream' }
    const answer = expectStatus(await ask(url, { method: 'POST', headers, body: new Uint8Array(raw) }), 200)
    answers.push(answer)
    return v.parse(postedShape, JSON.parse(answer.text)).id
  }
  const process = await post('Process', { Module: signer.address, Scheduler: signer.address })
  for (const action of ['First', 'Second']) await post('Message', { Action: action }, process)
  return { process, answers }
}

const excerpt = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)

/** What fetch says of a failure is in its cause. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** Fails with UsageError. */
export function smokeOptionsOf(args: readonly string[]): { smoke: SmokeOptions; json: boolean } {
  const { values, positionals } = parse(args, options)
  const [url, ...more] = positionals
  if (url === undefined || more.length > 0 || !URL.canParse(url)) throw new UsageError('Address missing: give one URL.')
  const { write = false, process, json = false } = values
  if (write && process !== undefined)
    throw new UsageError('--write reads the process that it spawns: leave --process away.')
  if (process !== undefined && !isId(process)) throw new UsageError('--process: an id has 43 characters.')
  const smoke = {
    url,
    process: write ? ('write' as const) : process,
    functionUrl: values['function-url'],
    requests: wholeNumber('--requests', values.requests ?? '100'),
    slowMs: wholeNumber('--slow-ms', values['slow-ms'] ?? '1000'),
  }
  return { smoke, json }
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${name}: "${text}" is no whole number.`)
}

/** @returns the exit status */
async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  try {
    const { smoke: asked, json } = smokeOptionsOf(args)
    let failed = false
    for await (const finding of smoke(asked)) {
      failed ||= finding.outcome === 'failed'
      const { check, outcome, ms, detail } = finding
      const time = ms === undefined ? '' : `${ms} ms`
      const line = `${outcome.padEnd(9)}  ${check.padEnd(14)}  ${time.padStart(7)}  ${detail}`
      process.stdout.write(`${json ? JSON.stringify(finding) : line}\n`)
    }
    return failed ? 1 : 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n\n${usage}\n`)
    return 2
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
