import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { noMeter } from '../../../core/ports/meter.ts'
import { createEmbeddedMeter } from '../../../functions/telemetry/embedded-metrics.ts'
import { allOf } from '../../../functions/telemetry/meters.ts'

const line = v.pipe(
  v.string(),
  v.parseJson(),
  v.looseObject({
    _aws: v.object({
      Timestamp: v.number(),
      CloudWatchMetrics: v.tuple([
        v.object({
          Namespace: v.string(),
          Dimensions: v.array(v.array(v.string())),
          Metrics: v.array(v.object({ Name: v.string(), Unit: v.string() })),
        }),
      ]),
    }),
  }),
)

/** Values by metric, as CloudWatch would read them. */
function valuesIn(lines: readonly string[]) {
  const values = new Map<string, number[]>()
  for (const text of lines) {
    const parsed = v.parse(line, text)
    for (const { Name } of parsed._aws.CloudWatchMetrics[0].Metrics) {
      values.set(Name, [...(values.get(Name) ?? []), ...v.parse(v.array(v.number()), [parsed[Name]].flat())])
    }
  }
  return values
}

function meterWithLines() {
  const lines: string[] = []
  const failed = (error: unknown) => {
    throw error
  }
  return {
    lines,
    meter: createEmbeddedMeter({
      service: 'su',
      namespace: 'SchedulerUnit',
      onFailure: failed,
      write: (text) => lines.push(text),
    }),
  }
}

describe('embedded metrics', () => {
  it('are one line for an invocation, in the format of CloudWatch', async () => {
    const { lines, meter } = meterWithLines()
    const began = Date.now()
    meter.time('write_item', 12)
    meter.time('write_item', 3)
    meter.time('acquire_write_lock', 0)
    meter.count('messages_scheduled')
    meter.count('messages_scheduled', 2)
    await meter.flush()
    expect(lines).toHaveLength(1)
    const parsed = v.parse(line, lines[0])
    const [directive] = parsed._aws.CloudWatchMetrics
    expect(directive).toMatchObject({ Namespace: 'SchedulerUnit', Dimensions: [['service']] })
    expect(directive.Metrics).toContainEqual({ Name: 'write_item', Unit: 'Milliseconds' })
    expect(directive.Metrics).toContainEqual({ Name: 'messages_scheduled', Unit: 'Count' })
    expect(parsed).toMatchObject({ service: 'su', write_item: [12, 3], acquire_write_lock: 0, messages_scheduled: 3 })
    expect(parsed._aws.Timestamp).toBeGreaterThanOrEqual(began)
    expect(parsed._aws.Timestamp).toBeLessThanOrEqual(Date.now())
  })

  it('write nothing where nothing was measured, and nothing twice', async () => {
    const { lines, meter } = meterWithLines()
    await meter.flush()
    meter.count('commits')
    await meter.flush()
    await meter.flush()
    expect(lines).toHaveLength(1)
  })

  it('lose and double nothing when requests overlap', async () => {
    const { lines, meter } = meterWithLines()
    const request = async (n: number) => {
      for (let i = 0; i < 20; i++) {
        meter.time('write_item', n)
        meter.count('signatures')
        if (i % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await meter.flush()
    }
    await Promise.all(Array.from({ length: 32 }, (_, n) => request(n)))
    const values = valuesIn(lines)
    expect(values.get('signatures')?.reduce((sum, count) => sum + count, 0)).toBe(640)
    expect(values.get('write_item')).toHaveLength(640)
    for (let n = 0; n < 32; n++) expect(values.get('write_item')?.filter((ms) => ms === n)).toHaveLength(20)
  })

  it('fit what CloudWatch takes of a metric in a line', async () => {
    const { lines, meter } = meterWithLines()
    for (let i = 0; i < 1234; i++) meter.time('get_messages', i)
    await meter.flush()
    for (const text of lines) expect(valuesIn([text]).get('get_messages')?.length).toBeLessThanOrEqual(100)
    expect(valuesIn(lines).get('get_messages')).toEqual(Array.from({ length: 1234 }, (_, i) => i))
  })

  it('fail nobody when they cannot be written', async () => {
    const lost: unknown[] = []
    const broken = createEmbeddedMeter({
      service: 'su',
      namespace: 'SchedulerUnit',
      onFailure: (error) => lost.push(error),
      write() {
        throw new Error('standard output is gone')
      },
    })
    broken.count('commits')
    await broken.flush()
    expect(lost).toEqual([new Error('standard output is gone')])
  })

  it('go together with other meters', async () => {
    const { lines, meter } = meterWithLines()
    const both = allOf(noMeter, meter)
    both.time('get_process', 4)
    both.count('uploads')
    await meter.flush()
    expect(v.parse(line, lines[0])).toMatchObject({ get_process: 4, uploads: 1 })
  })
})
