/** An operator's choices: what follows from none, and what is refused with a sentence. */
import { describe, expect, it } from 'vitest'
import { choices } from '../../infra/settings.ts'
import { type Choices, isProtected, settingsOf } from '../../infra/stage.ts'

const settings = (own: Choices, everywhere: Choices = {}) => settingsOf('mine', { everywhere, stages: { mine: own } })
const routed: Choices = { domains: { router: 'router.example', units: { 'us-east-1': 'su.example' } } }

describe('the settings of a stage', () => {
  it('that is named nowhere are those of one that may be thrown away', () => {
    expect(settingsOf('alice', choices)).toMatchObject({
      kept: false,
      alarms: false,
      firewall: undefined,
      reserveConcurrency: false,
      regions: ['us-east-1'],
    })
  })

  it('of prod keep what is there', () => {
    expect(settingsOf('prod', choices)).toMatchObject({ kept: true, removable: false, alarms: true })
    expect(isProtected(settingsOf('prod', choices))).toBe(true)
    expect(settingsOf('prod', choices).firewall).toBeDefined()
  })

  it('may let a stage be removed that stays kept', () => {
    const removable = settings({ kept: true, removable: true })
    expect(isProtected(removable)).toBe(false)
    expect(removable.kept).toBe(true)
  })

  it('reserve nothing by themselves: a new account has nothing to reserve', () => {
    expect(settingsOf('prod', choices).reserveConcurrency).toBe(false)
  })

  it('are those for every stage, unless it has others; variables are put together', () => {
    const { variables, logDays } = settings(
      { variables: { B: '2' }, logDays: 14 },
      { variables: { A: '1', B: '1' }, logDays: 3 },
    )
    expect({ variables, logDays }).toEqual({ variables: { A: '1', B: '2' }, logDays: 14 })
  })

  it('may be many regions, each with a name, behind a router', () => {
    const { regions } = settings({
      regions: ['us-east-1', 'eu-west-1'],
      domains: { router: 'router.example', units: { 'us-east-1': 'a.example', 'eu-west-1': 'b.example' } },
    })
    expect(regions).toEqual(['us-east-1', 'eu-west-1'])
  })

  it.each<[string, Choices, RegExp]>([
    ['a region twice', { regions: ['us-east-1', 'us-east-1'] }, /a region is named twice/],
    ['regions without a router', { regions: ['us-east-1', 'eu-west-1'] }, /several regions need a router/],
    [
      'a router before a unit without a name',
      { domains: { router: 'router.example' } },
      /the unit in us-east-1 needs a name/,
    ],
    [
      'one name for two',
      { domains: { router: 'su.example', units: { 'us-east-1': 'su.example' } } },
      /a domain is named twice/,
    ],
    ['an address for a name', { domains: { units: { 'us-east-1': 'https://su.example' } } }, /is no name of a host/],
    [
      'a name for a region that is not there',
      { domains: { units: { 'eu-west-1': 'su.example' } } },
      /eu-west-1 is not among the regions/,
    ],
    ['a limit that AWS does not take', { firewall: { perAddress: 5, perProcess: 100, exempt: [] } }, /10 or more/],
    ['an exempt name', { firewall: { perAddress: 50, perProcess: 100, exempt: ['mu.example'] } }, /neither an address/],
    ['a budget that nobody is told of', { budget: 100 }, /somebody to be told/],
    ['a transition from nothing', { secretsTransition: true }, /raise secretsGeneration/],
    [
      'tables of another stage for its own, if it is not kept',
      { existingTables: { 'us-east-1': { heads: 'restored-heads' } } },
      /existingTables need a kept stage/,
    ],
    [
      'tables in a region that is not there',
      { kept: true, existingTables: { 'eu-west-1': { heads: 'restored-heads' } } },
      /eu-west-1 is not among the regions/,
    ],
    [
      'less throughput than a new table has',
      { warmThroughput: { records: { reads: 12_000, writes: 1_000 } } },
      /warmThroughput of records is less/,
    ],
    ['half a generation', { ...routed, secretsGeneration: 0.5 }, /secretsGeneration/],
  ])('cannot have %s', (_, own, sentence) => {
    expect(() => settings(own)).toThrow(sentence)
    expect(() => settings(own)).toThrow(/^The settings of the stage "mine" \(infra\/settings\.ts\): /)
  })
})
