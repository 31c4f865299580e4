/** Who the unit is and how it does: `GET /`, `/timestamp`, `/health`, `/metrics`. */
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../../core/errors.ts'
import { A, recordedRaw } from '../../../core/schedule/items.ts'
import { expectError, jsonOf, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

const outage = () => {
  throw new Error('down')
}

describe('GET /', () => {
  it.each(['/', `/?process-id=${A}`, '/?proc-id=x&colour=red', '/?assign=x'])('%s', async (path) => {
    const { app, unit } = createUnitApp()
    const response = await app.request(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = await jsonOf(response)
    expect(Object.entries(body)).toEqual([
      ['address', unit.signer.address],
      ['timestamp', String(unit.clock.now())],
    ])
  })
})

describe('GET /timestamp', () => {
  it('gives height and time as text, the height in twelve digits', async () => {
    const { app, unit } = createUnitApp()
    const body = await jsonOf(app.request(`/timestamp?process-id=${A}`))
    expect(Object.entries(body)).toEqual([
      ['block_height', '000001800000'],
      ['timestamp', String(unit.clock.now())],
    ])
  })

  it('goes on with the last height while the gateway is away, and is 503 where none was ever known', async () => {
    const { app, unit } = createUnitApp()
    await app.request('/timestamp')
    unit.gateway.faults = { before: outage }
    await unit.clock.run(unit.clock.sleep(3_600_000))
    expect(await jsonOf(app.request('/timestamp'))).toMatchObject({ block_height: '000001800000' })

    const never = createUnitApp()
    never.unit.gateway.faults = { before: outage }
    await expectError(never.app.request('/timestamp'), 503, 'unavailable')
  })
})

describe('GET /health', () => {
  it('is 200 when all is well, and says so', async () => {
    const response = await createUnitApp().app.request('/health')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })

  it('is 503 when something is missing that the unit needs, and says what', async () => {
    const health = async () => {
      throw new SchedulerError('unavailable', 'The blob store does not answer.')
    }
    const { error } = await expectError(createUnitApp({ parts: { health } }).app.request('/health'), 503, 'unavailable')
    expect(error).toBe('The blob store does not answer.')
    const foreign = async () => {
      throw new SchedulerError('foreign-log', 'Not this log.')
    }
    await expectError(createUnitApp({ parts: { health: foreign } }).app.request('/health'), 503, 'foreign-log')
  })
})

describe('GET /metrics', () => {
  it('counts what was done', async () => {
    const { app } = createUnitApp()
    await post(app, recordedRaw('procA'))
    await post(app, recordedRaw('msg1'))
    await app.request(`/processes/${A}`)
    const response = await app.request('/metrics')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    const text = await response.text()
    const name = 'su_core_metrics_duration_milliseconds_count'
    expect(text).toContain(`${name}{function_name="write_item"} 2\n`)
    expect(text).toContain(`${name}{function_name="get_process"} 1\n`)
    expect(text).toContain('message_save_failures_total 0\n')
  })

  it('counts as failures what the unit failed at, not what it refused', async () => {
    const { app, unit } = createUnitApp()
    await post(app, Buffer.from('garbage'))
    await post(app, recordedRaw('msg1'))
    unit.store.faults = { before: outage }
    await expectError(post(app, recordedRaw('msg1')), 503, 'unavailable')
    expect(await (await app.request('/metrics')).text()).toContain('message_save_failures_total 1\n')
  })

  it('is 400 where metrics are off', async () => {
    await expectError(createUnitApp({ parts: { metrics: undefined } }).app.request('/metrics'), 400, 'invalid-request')
  })
})
