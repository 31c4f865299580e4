/** The commands that restore a log: what they print, and how they end. */
import { beforeEach, expect, it } from 'vitest'
import type { RestoreDeps } from '../../core/restore/deps.ts'
import { run } from '../../operator/run.ts'
import { RestoreWorld } from '../core/restore/world.ts'
import { closed } from './workplace.ts'

let world: RestoreWorld
let deps: RestoreDeps
let printed: string[]
let complaints: string[]
let process: string
beforeEach(() => {
  world = new RestoreWorld()
  printed = []
  complaints = []
})

/** What is to be run where caches are in front of the log. */
const invalidations = ['E1UNIT', 'E2ROUTER'].map(
  (id) => `aws cloudfront create-invalidation --distribution-id ${id} --paths '/*'`,
)
const invalidated = [
  expect.stringContaining('Now invalidate every cache in front of the log'),
  ...invalidations.map((command) => `  ${command}`),
]

async function su(...args: string[]): Promise<number> {
  printed = []
  complaints = []
  return run(['restore', ...args], {
    ...closed,
    restore: async () => deps,
    distributions: () => ['E1UNIT', 'E2ROUTER'],
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  })
}

/** A process with two messages, and a backup of it; then two more, all of it relayed. */
async function restored(more: Partial<RestoreDeps> = {}) {
  process = await world.spawn()
  await world.post(process)
  await world.post(process)
  await world.allRelayed()
  const backup = world.tables()
  await world.post(process)
  await world.post(process)
  await world.allRelayed()
  return async () => {
    const place = await world.restored(backup)
    deps = world.deps(place, more)
    return place
  }
}

it('says how to call it', async () => {
  const id = 'A'.repeat(43)
  const wrong: [string[], string][] = [
    [[], 'check, complete or take-over'],
    [['all'], 'check, complete or take-over'],
    [['check', id], `What is ${id}`],
    [['check', '--accept-all'], 'accepts nothing'],
    [['take-over', '--old-tables-stopped', '--accept', id], 'accepts nothing'],
    [['complete', '--accept', 'short'], 'Name processes'],
    [['complete', '--accept', id, '--accept-all'], 'or which'],
    [['complete', '--old-tables-stopped'], 'takes no --old-tables-stopped'],
    [['take-over'], 'no relay that uploads from them'],
  ]
  for (const [args, complaint] of wrong) {
    expect([args, await su(...args)]).toEqual([args, 2])
    expect(complaints.join('\n')).toContain(complaint)
  }
})

it('completes a log and takes it over', async () => {
  await (await restored())()
  expect(await su('check')).toBe(1)
  expect(printed).toEqual([
    `${process}  can be completed: 2 records lost; the next nonce is 5`,
    '1 process: 2 records can be brought back, 1 not ready.',
    'Nothing was changed.',
    'Then: restore complete',
  ])
  expect(await su('take-over', '--old-tables-stopped')).toBe(1)
  expect(complaints).toEqual(['Not taken over: 1 process is not ready. Run restore complete.'])
  expect(await su('complete')).toBe(0)
  expect(printed.slice(0, 2)).toEqual([
    `${process}  whole: 2 records brought back; the next nonce is 5`,
    '1 process: 2 records brought back, 0 not ready.',
  ])
  expect(printed.at(-1)).toBe('Then: restore take-over --old-tables-stopped')
  expect(printed.join('\n')).toContain('Nothing may run on the old tables any more')
  expect(await su('check')).toBe(0)
  expect(printed[0]).toBe('Every process is whole, as far as anybody knows.')
  expect(await su('take-over', '--old-tables-stopped')).toBe(0)
  expect(printed).toEqual(['The log is taken over: it is scheduled in from now on.', ...invalidated])
  for (const action of [['check'], ['complete'], ['take-over', '--old-tables-stopped']]) {
    expect(await su(...action)).toBe(0)
    expect(printed).toEqual(['The log is in the tables that it belongs to: there is nothing to be restored.'])
  }
})

it('prints objects', async () => {
  await (await restored())()
  const objects = () => printed.map((line) => JSON.parse(line))
  expect(await su('complete', '--json')).toBe(0)
  expect(objects()).toMatchObject([
    { process, kind: 'whole', added: 2, next: 5, doubts: [] },
    { processes: 1, added: 2, unready: 0, metadata: true },
  ])
  expect(await su('take-over', '--old-tables-stopped', '--json')).toBe(0)
  expect(objects()).toEqual([
    {
      takenOver: true,
      tables: 'tables 2',
      closed: 0,
      invalidations,
    },
  ])
  expect(await su('check', '--json')).toBe(0)
  expect(objects()).toEqual([{ restored: false }])
})

it('says what is missing, and goes on without it where that is accepted', async () => {
  const restore = await restored()
  await world.post(process)
  await world.relayed(process, ['metadata'])
  await restore()
  expect(await su('complete')).toBe(1)
  expect(printed.slice(0, 2)).toEqual([
    `${process}  lacks nonce 5, known of by the metadata: nonce 5 has no assignment anywhere`,
    '1 process: 2 records brought back, 1 not ready.',
  ])
  const other = 'A'.repeat(43)
  expect(await su('complete', '--accept', other)).toBe(1)
  expect(complaints).toEqual([`${other}: nothing of it was missing.`])
  expect(await su('complete', '--accept', `${process},${other}`)).toBe(0)
  expect(printed[0]).toBe(`${process}  accepted: nonces from 5 on are given out again`)
  expect(await su('take-over', '--old-tables-stopped')).toBe(0)
})

it('says what can never be opened', async () => {
  const restore = await restored()
  const lost = await world.post(process)
  await world.post(process)
  await world.allRelayed()
  const [finding] = await world.live.unit.store.find(lost)
  world.bundler.taken.delete(finding?.place.assignment ?? '')
  await restore()
  expect(await su('complete', '--accept-all')).toBe(0)
  const closedFor = `${process}  stays closed: nonces 5 to 6, known of by what was uploaded, the metadata: nonce 5 has no assignment anywhere; something later was signed`
  expect(printed[0]).toBe(closedFor)
  expect(await su('take-over', '--old-tables-stopped')).toBe(0)
  expect(printed).toEqual([
    closedFor,
    'The log is taken over: it is scheduled in from now on.',
    '1 process stays closed.',
    ...invalidated,
  ])
})

it('says that the metadata are not asked, and what is presumed', async () => {
  await (await restored({ metadata: undefined }))()
  expect(await su('complete')).toBe(0)
  expect(complaints).toEqual(['The metadata are not asked: there is no DATABASE_URL.'])
  expect(printed[1]).toBe('  of 2 only the item tells whether they were posted or assigned')
})
