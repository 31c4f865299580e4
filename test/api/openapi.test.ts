/** The OpenAPI description: whole, up to date, and true of real answers. */
import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { describeApi, routes } from '../../api/description.ts'
import written from '../../api/openapi.json' with { type: 'json' }
import { createSigner } from '../../core/ans104/signer.ts'
import { systemClock } from '../../core/ports/clock.ts'
import { readAoCorePath } from '../../functions/http/ao-core-path.ts'
import { statuses } from '../../functions/http/errors.ts'
import { runProfile } from '../conformance/profile.ts'
import { A, signedMessage } from '../core/schedule/items.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { filledApp, post } from '../functions/http/app/asking.ts'
import { createUnitApp } from '../functions/http/app/unit-app.ts'
import { createRouterWorld } from '../functions/http/router/router-world.ts'

/** A path of one segment is one route to a client, whatever its segment is called here. */
const described = (path: string) => path.replace(/^\/:\w+(\{.*\})?$/, '/{id}').replace(/:(\w+)/g, '{$1}')

describe('the description', () => {
  it('is the one that is served', async () => {
    // Run `npm run openapi` after a change of api/description.ts.
    expect(written).toEqual(JSON.parse(JSON.stringify(await describeApi())))
    const { app } = createUnitApp()
    expect(await (await app.request('/openapi.json')).json()).toEqual(written)
  })

  it('has every route of the unit and of the router, and no other', () => {
    const served = [createUnitApp().app, createRouterWorld().app].flatMap(({ routes }) =>
      routes
        .filter(({ path }) => !path.includes('*'))
        .flatMap(({ method, path }) => (method === 'ALL' ? ['GET', 'POST'] : [method]).map((one) => `${one} ${path}`)),
    )
    const known = routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
    expect(new Set(served.map((route) => route.replace(/(?<= ).*/, described)))).toEqual(new Set(known))
  })

  it('has every error code', () => {
    const named = new Set<string>(routes.flatMap(({ errors }) => errors))
    expect(Object.keys(statuses).filter((code) => !named.has(code))).toEqual([])
  })

  it('has every parameter that is read', () => {
    const files = readdirSync('functions/http')
      .map((name) => `functions/http/${name}`)
      .concat('core/read/query.ts')
    const read = files.flatMap((file) =>
      Array.from(
        readFileSync(file, 'utf8').matchAll(
          /(?:[pP]arams|given)\.(?:get|has|getAll)\('([\w-]+)'\)|req\.query\('([\w-]+)'\)|integer\(\w+, '([\w-]+)'|\['(from[\w-]*)', '(to[\w-]*)'/g,
        ),
        ([, ...names]) => names.filter((name) => name !== undefined),
      ).flat(),
    )
    expect(read).toEqual(expect.arrayContaining(['assign', 'from-nonce', 'target', 'limit', 'wait']))
    const named = new Set(routes.flatMap(({ parameters = [] }) => parameters.map(({ name }) => name)))
    expect(read.filter((name) => !named.has(name))).toEqual([])
  })
})

describe('an answer', () => {
  const ajv = new Ajv2020({ strict: false })
  ajv.addFormat('binary', true)

  /** What is wrong with the answer, by the description; undefined where nothing is. */
  async function faultOf(path: string, method: string, response: Response): Promise<string | undefined> {
    const { pathname } = new URL(path, 'http://unit')
    const segments = pathname.split('/')
    const isPathOf = (one: string) =>
      one.split('/').length === segments.length &&
      one.split('/').every((part, at) => part.startsWith('{') || part === segments[at])
    const paths = Object.keys(written.paths)
    const route =
      readAoCorePath(`http://unit${path}`)?.route ?? paths.find((one) => one === pathname) ?? paths.find(isPathOf)
    const operation =
      route === undefined ? undefined : (written.paths as Record<string, Record<string, unknown>>)[route]?.[method]
    // A path or a method of no route is 404 or 405.
    if (operation === undefined) return response.status < 404 ? `${method} ${path} is not described` : undefined
    const { responses } = operation as {
      responses: Record<string, { content?: Record<string, { schema: object }> } | undefined>
    }
    const answer = responses[response.status]
    if (!answer) return `${method} ${path}: status ${response.status} is not described`
    const type = (response.headers.get('content-type')?.split(';')[0] ?? '').toLowerCase()
    const content = answer.content?.[type]
    if (!content) return response.status === 307 ? undefined : `${method} ${path}: ${type} is not described`
    if (type !== 'application/json') return undefined
    const isValid = ajv.compile(content.schema)
    return isValid(await response.json()) ? undefined : `${method} ${path}: ${ajv.errorsText(isValid.errors)}`
  }

  it('of the recorded scenarios is as it is described', { timeout: 60_000 }, async () => {
    const faults: (string | undefined)[] = []
    const { app } = createUnitApp({ clock: systemClock, signer: createSigner(wallets.su) })
    const { judged } = await runProfile('main', {
      async fetch(path, init) {
        const response = await app.request(path, init)
        const method = (init.method ?? 'GET').toLowerCase()
        if (method === 'get' || method === 'post') faults.push(await faultOf(path, method, response.clone()))
        return response
      },
    })
    expect(judged).toBeGreaterThan(200)
    expect(faults.filter((fault) => fault !== undefined)).toEqual([])
  })

  it('of the other routes is as it is described', async () => {
    const { app } = await filledApp()
    const ans104 = { 'codec-device': 'ans104@1.0' }
    const { raw } = await signedMessage({ data: 'one more' })
    const faults = []
    const schedule = `/${A}/schedule`
    faults.push(await faultOf(schedule, 'post', await post(app, raw, schedule, ans104)))
    faults.push(await faultOf(schedule, 'post', await post(app, raw, schedule)))
    const heads = Buffer.from(JSON.stringify({ processes: [A] }))
    faults.push(await faultOf('/heads', 'post', await post(app, heads, '/heads')))
    for (const path of [
      schedule,
      `/${A}/slot`,
      `/${A}/slot/current`,
      `/${A}/push`,
      '/~scheduler@1.0/status',
      '/~scheduler@1.0/location',
      `/${A}?sort=DESC`,
      `/${A}?format=bundle`,
      `/1?process-id=${A}`,
      '/health',
      '/metrics',
      '/openapi.json',
    ]) {
      faults.push(await faultOf(path, 'get', await app.request(path)))
    }
    expect(faults.filter((fault) => fault !== undefined)).toEqual([])
  })
})
