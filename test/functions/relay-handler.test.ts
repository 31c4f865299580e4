/** The relay's and the reconciler's handlers: events in, reports out. */
import type { DynamoDBRecord } from 'aws-lambda'
import { beforeEach, describe, expect, it } from 'vitest'
import { createStreamRelay, type StreamRelay } from '../../core/relay/stream.ts'
import { createReconcilerHandler } from '../../functions/reconciler-handler.ts'
import { createRelayHandler } from '../../functions/relay-handler.ts'
import { RelayWorld } from '../core/relay/world.ts'

let world: RelayWorld
let flushed: number
beforeEach(() => {
  world = new RelayWorld()
  flushed = 0
})
const flush = async () => {
  flushed++
}

let sequence = 0
const change = (process: string, row: string, eventName: DynamoDBRecord['eventName'] = 'MODIFY'): DynamoDBRecord => ({
  eventName: eventName ?? 'MODIFY',
  dynamodb: { Keys: { process: { S: process }, row: { S: row } }, SequenceNumber: `${++sequence}` },
})
const number = (record: DynamoDBRecord | undefined) => ({ itemIdentifier: record?.dynamodb?.SequenceNumber })

describe('the relay handler', () => {
  const handle = (records: DynamoDBRecord[], relay: StreamRelay, remaining = 300_000) =>
    createRelayHandler({ relay, clock: world.clock, flush })(
      { Records: records },
      { getRemainingTimeInMillis: () => remaining },
    )

  it('relays what heads and wakes say, and answers that nothing is to come again', async () => {
    const [one, other] = [await world.spawn(2), await world.spawn(1)]
    const records = [change(one, 'head', 'INSERT'), change(one, 'head'), change(other, 'wake')]
    const answer = await world.clock.run(handle(records, createStreamRelay(world.deps)))
    expect(answer).toEqual({ batchItemFailures: [] })
    world.checkFinished()
    expect(flushed).toBe(1)
  })

  it('has nothing to do with other rows, nor with rows that went', async () => {
    const asked: string[] = []
    const relay: StreamRelay = async (processes) => {
      asked.push(...processes)
      return new Set()
    }
    const records = ['done', 'owed#upload#3#item', 'identity', 'height'].map((row) => change('p', row))
    await handle([...records, change('q', 'wake', 'REMOVE'), change('r', 'head', 'REMOVE'), {}], relay)
    expect(asked).toEqual([])
  })

  it('names the records of the processes that failed', async () => {
    const records = [change('a', 'head'), change('b', 'head'), change('a', 'wake'), change('c', 'head')]
    const answer = await handle(records, async () => new Set(['a', 'c']))
    expect(answer.batchItemFailures).toEqual([number(records[0]), number(records[2]), number(records[3])])
  })

  it('has the whole batch come again where it cannot name a record', async () => {
    const nameless = change('a', 'head')
    delete nameless.dynamodb?.SequenceNumber
    await expect(handle([nameless], async () => new Set(['a']))).rejects.toThrow('sequence number')
  })

  it('ends before Lambda does', async () => {
    const deadlines: number[] = []
    const relay: StreamRelay = async (_, deadline) => {
      deadlines.push(deadline - world.clock.now())
      return new Set()
    }
    for (const remaining of [300_000, 60_000, 30_000]) await handle([change('a', 'head')], relay, remaining)
    expect(deadlines).toEqual([275_000, 35_000, 15_000])
  })
})

describe('the reconciler', () => {
  const lines: object[] = []
  const handle = (remaining = 300_000) => {
    const { log, ...deps } = world.deps
    const info = (details: object) => {
      lines.push(details)
    }
    const handler = createReconcilerHandler({ ...deps, log: { ...log, info }, flush })
    return world.clock.run(handler({}, { getRemainingTimeInMillis: () => remaining }))
  }

  it('says what it found', async () => {
    const process = await world.spawn(2)
    const report = await handle()
    expect(report).toMatchObject({ marked: 1, woken: 1, settled: 0, owed: 0, deadLetters: 0 })
    expect(world.store.woken).toEqual([process])
    expect(lines).toEqual([report])
    expect(flushed).toBe(1)
  })

  it('fails where it did not get through, its metrics written', async () => {
    world.store.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    await expect(handle()).rejects.toMatchObject({ code: 'unavailable' })
    expect(flushed).toBe(1)
  })
})
