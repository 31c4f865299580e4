import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import { createErrorHandler, notFound } from '../../../functions/http/errors.ts'
import { requestLog } from '../../../functions/http/request-log.ts'
import { createLogger } from '../../../functions/telemetry/logger.ts'

const P = 'Y4KzzIgUErd7_K7tAmABwA2eMCXmbCD25-kvB5hRRig'

function logged() {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger({ level: 'info' }, { function: 'su' }, { write: (line) => lines.push(JSON.parse(line)) })
  const app = new Hono()
  app.use(requestLog({ logger }))
  app.get('/health', (c) => c.body(null))
  app.get('/:id/latest', (c) => {
    c.set('process', c.req.param('id'))
    return c.text('ok')
  })
  app.get('/:id', () => {
    throw new SchedulerError('unavailable', 'Later.')
  })
  app.get('/bug/:id', () => {
    throw new Error('a bug')
  })
  app.post('/', async (c) => c.text(`${(await c.req.text()).length}`))
  app.notFound(notFound)
  app.onError(createErrorHandler({ logger }))
  return { app, lines }
}

describe('a request', () => {
  it('is one line with what an operator asks for', async () => {
    const { app, lines } = logged()
    const response = await app.request(`/${P}/latest?token=hush`, {}, { lambdaContext: { awsRequestId: 'r-1' } })
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-/),
        function: 'su',
        requestId: 'r-1',
        method: 'GET',
        route: '/:id/latest',
        status: 200,
        ms: expect.any(Number),
        process: P,
        message: 'request',
      },
    ])
    expect(response.headers.get('x-request-id')).toBe('r-1')
  })

  it('has an id wherever it runs', async () => {
    const { app, lines } = logged()
    await app.request(`/${P}/latest`, {}, { context: { awsRequestId: 'r-2' } })
    await app.request(`/${P}/latest`)
    await app.request(`/${P}/latest`)
    const [streamed, first, second] = lines.map(({ requestId }) => requestId)
    expect(streamed).toBe('r-2')
    expect(first).toMatch(/^[\da-f-]{36}$/)
    expect(first).not.toBe(second)
  })

  it('that fails says why, under the same id', async () => {
    const { app, lines } = logged()
    expect((await app.request(`/${P}?process-id=${P}`)).status).toBe(503)
    expect((await app.request('/bug/1')).status).toBe(500)
    expect(lines).toMatchObject([
      { level: 'warn', err: { message: 'Later.' } },
      { route: '/:id', status: 503, code: 'unavailable', process: P },
      { level: 'error', err: { message: 'a bug' } },
      { route: '/bug/:id', status: 500 },
    ])
    expect(lines[0]?.requestId).toBe(lines[1]?.requestId)
  })

  it('does not bring its own words into the log', async () => {
    const { app, lines } = logged()
    await app.request('/', {
      method: 'POST',
      body: 'private words',
      headers: { authorization: 'hush', cookie: 'hush' },
    })
    await app.request('/a/b/hush?process-id=hush')
    expect(lines).toMatchObject([
      { route: '/', status: 200 },
      { route: 'none', status: 404 },
    ])
    expect(JSON.stringify(lines)).not.toMatch(/hush|private/)
  })

  it('of a health check is not worth a line', async () => {
    const { app, lines } = logged()
    expect((await app.request('/health')).status).toBe(200)
    expect(lines).toEqual([])
  })
})
