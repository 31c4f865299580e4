/** What an operator may ask of a unit's one-off invocation, and what a wrong event is told. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parseMessagesEvent } from '../../functions/mig/messages-event.ts'

const from = 'postgresql://user:hushhush@host.example:5432/su?sslmode=require'
const P = 'Y4KzzIgUErd7_K7tAmABwA2eMCXmbCD25-kvB5hRRig'

const refusal = (event: unknown): string => {
  try {
    parseMessagesEvent(event)
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-request' })
    return String(error)
  }
  return 'taken'
}

describe('an event', () => {
  it('that says nothing is about all of it, to be opened', () => {
    expect(parseMessagesEvent({ messages: {} })).toEqual({
      messages: {
        source: { from: undefined, databases: undefined, tenantsOf: undefined },
        order: { rows: { from: 0 }, auditOnly: false, ending: 'open', despiteFaults: false },
        after: undefined,
        batchSize: undefined,
      },
      continues: false,
      calls: 0,
    })
  })

  it('may say everything', () => {
    const after = { database: 'b', process: P, at: { process: P, step: 'copy', nonce: 7 } }
    const rest = { processes: [P], auditOnly: true, ending: 'frozen', despiteFaults: true, reuploadSince: 5 }
    const { messages, continues, calls } = parseMessagesEvent({
      messages: { from, databases: ['a', 'b'], ...rest, after, batchSize: 10, continue: true, calls: 3 },
    })
    expect(messages.source.from?.reveal()).toBe(from)
    expect(messages.source.databases).toEqual(['a', 'b'])
    expect(messages.order).toEqual({ ...rest, rows: { from: 0 } })
    expect({ after: messages.after, batchSize: messages.batchSize, continues, calls }).toEqual({
      after,
      batchSize: 10,
      continues: true,
      calls: 3,
    })
  })

  it.each([
    ['0', { from: 0 }],
    ['0-1000', { from: 0, to: 1000 }],
    ['7-7', { from: 7, to: 7 }],
    ['1000', { from: 1000 }],
  ])('names rows as the Rust mig did: %s', (rows, range) => {
    expect(parseMessagesEvent({ messages: { rows } }).messages.order.rows).toEqual(range)
  })

  it('shows no secret, whatever prints it', () => {
    const event = parseMessagesEvent({ messages: { from } })
    expect(JSON.stringify(event) + inspect(event, { depth: 9 })).not.toContain('hush')
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'The event is missing.'],
    ['another task', { placements: {} }, 'messages is missing.'],
    ['a misspelt setting', { messages: { from, audit: true } }, 'messages.audit is not known.'],
    ['another source', { messages: { from: 'mysql://hushhush@host' } }, 'messages.from must be a connection string'],
    ['rows that are none', { messages: { rows: '-5' } }, 'messages.rows must be rows of the messages'],
    ['rows with more', { messages: { rows: '1-2-3' } }, 'messages.rows must be rows of the messages'],
    ['rows as a number', { messages: { rows: 0 } }, 'messages.rows must be a text'],
    ['rows the wrong way round', { messages: { rows: '9-3' } }, 'messages.rows ends before it begins: 9-3.'],
    ['no process', { messages: { processes: [] } }, 'messages.processes names no processes.'],
    ['no id', { messages: { processes: ['x'] } }, 'messages.processes.0 must be an id of 43'],
    ['another end', { messages: { ending: 'shut' } }, 'messages.ending must be one of open, frozen, history.'],
    ['a date', { messages: { reuploadSince: '2026-01-01' } }, 'messages.reuploadSince must be a time in ms'],
    ['a cursor of another make', { messages: { after: 70 } }, 'messages.after must be an object.'],
    [
      'a step that is none',
      { messages: { after: { at: { process: P, step: 'x', nonce: 0 } } } },
      'messages.after.at.step',
    ],
    ['too large a batch', { messages: { batchSize: 100_000 } }, 'messages.batchSize must be a number of rows from 1'],
    [
      'two lists',
      { messages: { databases: ['a'], tenantsOf: 'http://old' } },
      'messages has both databases and tenantsOf',
    ],
  ])('with %s is refused with a sentence', (_, event, sentence) => {
    expect(refusal(event)).toContain(sentence)
    expect(refusal(event)).not.toContain('hush')
  })
})
