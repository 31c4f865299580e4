import { describe, expect, it } from 'vitest'
import { createInstanceMeter } from '../../../functions/http/metrics.ts'

const samplesOf = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at), Number(line.slice(at + 1))]
      }),
  )

const HISTOGRAM = 'su_core_metrics_duration_milliseconds'
// What the reference serves.
const bounds = [
  0, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 5500, 6000, 6500, 7000, 7500, 8000, 8500, 9000, 9500, 10_000,
]

describe('the metrics of an instance', () => {
  it('have the names, buckets and type of the reference', async () => {
    const { contentType, body } = await createInstanceMeter().openMetrics()
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(body).toContain(`# TYPE ${HISTOGRAM} histogram\n`)
    expect(body).toContain('# TYPE message_save_failures counter\n')
    expect(body.endsWith('\n# EOF\n')).toBe(true)
    for (const name of [
      'acquire_write_lock',
      'get_message',
      'get_messages',
      'get_process',
      'read_message_data',
      'write_item',
    ]) {
      const prefix = `${HISTOGRAM}_bucket{function_name="${name}",le="`
      const found = [...samplesOf(body).keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length, -2))
      expect(found).toEqual([...bounds.map(String), '+Inf'])
    }
  })

  it('say what happened, each time they are asked', async () => {
    const meter = createInstanceMeter()
    for (const ms of [0, 1, 2, 10, 11, 9500, 10_000, 10_001, 60_000]) meter.time('write_item', ms)
    meter.time('get_messages', 7)
    meter.count('message_save_failures')
    meter.count('message_save_failures', 4)
    meter.count('commits')
    for (let i = 0; i < 2; i++) {
      const samples = samplesOf((await meter.openMetrics()).body)
      const bucket = (name: string, le: string) =>
        samples.get(`${HISTOGRAM}_bucket{function_name="${name}",le="${le}"}`)
      expect(['0', '1', '5', '10', '25', '9500', '10000', '+Inf'].map((le) => bucket('write_item', le))).toEqual([
        1, 2, 3, 4, 5, 6, 7, 9,
      ])
      expect(samples.get(`${HISTOGRAM}_sum{function_name="write_item"}`)).toBe(89_525)
      expect(samples.get(`${HISTOGRAM}_count{function_name="write_item"}`)).toBe(9)
      expect(bucket('get_messages', '5')).toBe(0)
      expect(bucket('get_messages', '10')).toBe(1)
      expect(samples.get('message_save_failures_total')).toBe(5)
      expect(samples.get('su_commits_total')).toBe(1)
      expect(samples.get('su_uploads_total')).toBe(0)
    }
  })
})
