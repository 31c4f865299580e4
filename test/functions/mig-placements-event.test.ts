/** What an operator may ask of the one-off invocation, and what a wrong event is told. */
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parsePlacementsEvent } from '../../functions/mig/placements-event.ts'

const from = 'postgresql://user:hushhush@host.example:5432/router?sslmode=require'
const units = { 'http://old:9001/': 'https://New.example:443/' }

const refusal = (event: unknown): string => {
  try {
    parsePlacementsEvent(event)
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid-request' })
    return String(error)
  }
  return 'taken'
}

describe('an event', () => {
  it('says where placements are, and where they go', () => {
    const { placements } = parsePlacementsEvent({ placements: { from, units } })
    expect(placements).toMatchObject({
      units: new Map([['http://old:9001', 'https://new.example']]),
      dryRun: false,
      after: 0,
    })
    expect(placements.from.reveal()).toBe(from)
    expect(parsePlacementsEvent({ placements: { from, units, dryRun: true, after: 70 } }).placements).toMatchObject({
      dryRun: true,
      after: 70,
    })
  })

  it('shows no secret, whatever prints it', () => {
    const event = parsePlacementsEvent({ placements: { from, units } })
    expect(JSON.stringify(event) + inspect(event, { depth: 9 }) + String(event.placements.from)).not.toContain('hush')
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'The event is missing.'],
    ['text', 'placements', 'The event must be an object.'],
    ['nothing to do', {}, 'placements is missing.'],
    ['something unknown', { placements: { from, units }, messages: 1 }, 'messages is not known.'],
    ['a misspelt setting', { placements: { from, units, dryrun: true } }, 'placements.dryrun is not known.'],
    ['no source', { placements: { units } }, 'placements.from is missing.'],
    ['another source', { placements: { from: 'mysql://hushhush@host', units } }, 'begins with postgresql://'],
    ['a source that is no text', { placements: { from: 7, units } }, 'begins with postgresql://'],
    ['no map', { placements: { from } }, 'placements.units is missing.'],
    ['a list', { placements: { from, units: ['http://old'] } }, 'placements.units'],
    ['an empty map', { placements: { from, units: {} } }, 'no unit is named'],
    [
      'no addresses',
      { placements: { from, units: { old: 'new' } } },
      'old is no address that begins with http:// or https://; new is',
    ],
    ['no text', { placements: { from, units: { 'http://old': 1 } } }, 'placements.units.http://old must be an address'],
    [
      'an old unit twice',
      { placements: { from, units: { 'http://old': 'http://a', 'http://OLD:80/': 'http://b' } } },
      'http://old is there twice',
    ],
    ['a word for a flag', { placements: { from, units, dryRun: 'yes' } }, 'placements.dryRun must be true or false.'],
    ['a negative row', { placements: { from, units, after: -1 } }, 'placements.after must be the number of a row'],
    ['half a row', { placements: { from, units, after: 1.5 } }, 'placements.after must be the number of a row'],
  ])('with %s is refused with a sentence', (_, event, sentence) => {
    expect(refusal(event)).toContain(sentence)
    expect(refusal(event)).not.toContain('hush')
  })

  it('is told everything that is wrong with it at once', () => {
    expect(refusal({ placements: { from: 'x', units: {}, after: 'y' } })).toMatch(
      /from must.*units is wrong.*after must/,
    )
  })
})
