/** The operator's commands: what they print, and how they end. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { relayProcess } from '../../core/relay/relay.ts'
import { ConfigurationError } from '../../functions/config/parse.ts'
import { run } from '../../operator/run.ts'
import { routerEnvironment, stackEnvironment, unitEnvironment } from '../../operator/stack-environment.ts'
import { away, RelayWorld, refused } from '../core/relay/world.ts'
import { closed } from './workplace.ts'

let world: RelayWorld
let printed: string[]
let complaints: string[]
beforeEach(() => {
  world = new RelayWorld()
  printed = []
  complaints = []
})

const su = (...args: string[]) =>
  world.clock.run(
    run(args, {
      ...closed,
      uploads: () => world.deps,
      clock: world.clock,
      print: (line) => printed.push(line),
      complain: (line) => complaints.push(line),
    }),
  )
const objects = () => printed.map((line) => JSON.parse(line))

/** A process with two dead letters. */
async function withDeadLetters(): Promise<{ process: string; bad: string[] }> {
  const process = await world.spawn(3)
  const bad = [1, 2].map((nonce) => world.parts.get(`${process}/${nonce}/item`)?.id ?? '')
  world.bundler.decide = (id) => (bad.includes(id) ? refused : undefined)
  await world.clock.run(relayProcess(world.deps, process, { deadline: world.clock.now() + 60_000 }))
  return { process, bad }
}

describe('calling it', () => {
  it('without a command, or for help, says how', async () => {
    for (const args of [[], ['help'], ['--help'], ['uploads', '--help'], ['reupload', '-h']]) {
      printed = []
      expect(await su(...args)).toBe(0)
      expect(printed.join('\n')).toContain('uploads resend --all | ID')
    }
  })

  it('wrongly says what is wrong and how to do it, and opens nothing', async () => {
    const id = 'A'.repeat(43)
    const wrong: [string[], string][] = [
      [['nonsense'], 'no command nonsense'],
      [['constructor'], 'no command constructor'],
      [['uploads'], 'list, resend or skip'],
      [['uploads', 'list', id, id], 'list, resend or skip'],
      [['uploads', 'resend'], 'name the ids'],
      [['uploads', 'resend', '--all', id], 'name the ids'],
      [['uploads', 'skip', '--all'], 'name the ids'],
      [['uploads', 'list', '--verbose'], '--verbose'],
      [['reupload'], 'Name processes'],
      [['reupload', 'short', '0'], 'Name processes'],
      [['reupload', id], 'since when'],
      [['reupload', id, '2026-01-01'], 'since when'],
      [['reupload', id, '0', 'soon'], 'delay'],
      [['reupload', id, '0', '0', 'more'], 'more'],
      [['placement'], 'show, move, abandon or adopt'],
      [['placement', 'toString'], 'show, move, abandon or adopt'],
      [['placement', 'show'], 'Name a process'],
      [['placement', 'show', 'short'], 'Name a process'],
      [['placement', 'show', id, '--to', 'b'], 'takes no --to'],
      [['placement', 'move', id, '--from', 'a'], 'that gets the process'],
      [['placement', 'move', id, '--to', 'b'], 'that has the process'],
      [['placement', 'move', id, '--to', 'b', '--from', 'a', '--dead'], 'that has the process'],
      [['placement', 'move', id, '--to'], '--to'],
      [['placement', 'move', '--to', 'b', '--from', 'a'], 'Name processes'],
      [['placement', 'move', id, id, '--to', 'b', '--from', 'a'], `What is ${id}`],
      [['placement', 'abandon', id], 'that goes on'],
      [['placement', 'adopt', id], `What is ${id}`],
      [['units'], 'list, dead or alive'],
      [['units', 'list', 'https://a.example'], 'list, dead or alive'],
      [['units', 'dead'], 'by its address'],
      [['units', 'dead', 'https://a.example/path'], 'by its address'],
      [['units', 'dead', 'https://a.example', '--unit', 'a'], 'takes no --unit'],
      [['units', 'alive', 'https://a.example'], '--unit ENV'],
      [['units', 'alive', 'https://a.example', 'b', '--unit', 'a'], 'What is b'],
      [['process'], 'show, freeze or open'],
      [['process', 'show'], 'Name a process'],
      [['process', 'show', id, id], `What is ${id}`],
      [['process', 'freeze', 'short'], 'Name processes'],
      [['process', 'open', id, '--stage'], '--stage'],
    ]
    for (const [args, complaint] of wrong) {
      complaints = []
      const opened = run(args, { ...closed, complain: (line) => complaints.push(line) })
      expect([args, await opened]).toEqual([args, 2])
      expect(complaints.join('\n')).toContain(complaint)
      expect(complaints.join('\n')).toContain('Usage:')
    }
  })

  it('takes ids that begin with a hyphen', async () => {
    const id = `-${'A'.repeat(42)}`
    expect(await su('uploads', 'resend', id, '--json')).toBe(1)
    expect(complaints).toEqual([`${id}: neither owed nor a dead letter. See uploads list.`])
    expect(await su('reupload', `${id},${id}`, '0')).toBe(1)
    expect(complaints.at(-1)).toBe(`Process ${id} is not known here.`)
  })

  it('without a stack says what is missing', async () => {
    const exit = await run(['uploads', 'list'], {
      ...closed,
      uploads: () => {
        throw new ConfigurationError(['HEADS_TABLE is missing.'])
      },
      print: () => {},
      complain: (line) => complaints.push(line),
    })
    expect(exit).toBe(1)
    expect(complaints.join('\n')).toMatch(/HEADS_TABLE is missing[\s\S]*Is the local stack running/)
  })
})

describe('uploads', () => {
  it('lists what is owed and every dead letter', async () => {
    expect(await su('uploads', 'list')).toBe(0)
    expect(printed).toEqual(['0 owed, 0 dead letters.'])
    const { process, bad } = await withDeadLetters()
    printed = []
    expect(await su('uploads', 'list')).toBe(0)
    for (const id of bad) expect(printed.join('\n')).toContain(`${process}  ${id}  upload, item of nonce `)
    expect(printed.at(-1)).toBe('0 owed, 2 dead letters.')
    printed = []
    expect(await su('uploads', 'list', process)).toBe(0)
    expect(printed).toHaveLength(3)
    printed = []
    await su('uploads', 'list', '--json')
    expect(
      objects()
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(bad.toSorted())
    expect(objects()).toMatchObject(bad.map(() => ({ process, part: 'item', reason: 'status 400: no' })))
  })

  it('sends all of it again', async () => {
    await withDeadLetters()
    world.heal()
    expect(await su('uploads', 'resend', '--all')).toBe(0)
    expect(printed.at(-1)).toBe('2 done, 0 still owed.')
    printed = []
    await su('uploads', 'list')
    expect(printed).toEqual(['0 owed, 0 dead letters.'])
  })

  it('sends some of it again, and says where that did not work', async () => {
    const { bad } = await withDeadLetters()
    const [one = '', other = ''] = bad
    world.bundler.decide = (id) => (id === one ? refused : undefined)
    expect(await su('uploads', 'resend', one, 'unknown')).toBe(1)
    expect(printed[0]).toContain('failed: status 400: no')
    expect(complaints).toEqual(['unknown: neither owed nor a dead letter. See uploads list.'])
    printed = []
    expect(await su('uploads', 'resend', '--json', other)).toBe(0)
    expect(objects()).toMatchObject([{ id: other, kind: 'done' }])
  })

  it('skips some of it', async () => {
    const { bad } = await withDeadLetters()
    expect(await su('uploads', 'skip', bad[0] ?? '', 'unknown')).toBe(1)
    expect(printed).toEqual([expect.stringContaining(`${bad[0]}  upload, item of `)])
    expect(complaints).toEqual(['unknown: neither owed nor a dead letter. See uploads list.'])
    expect(world.store.allOwed.map(({ id }) => id)).toEqual(bad.slice(1))
  })
})

describe('reupload', () => {
  it('sends processes again', async () => {
    const [one, other] = [await world.spawn(2), await world.spawn(0)]
    expect(await su('reupload', `${one},${other}`, '0', '10')).toBe(0)
    expect(printed).toEqual([
      `${one}: 6 taken, 0 refused: dead letters.`,
      `${other}: 2 taken, 0 refused: dead letters.`,
    ])
    printed = []
    expect(await su('reupload', one, '1700000002000', '--json')).toBe(0)
    expect(objects().map(({ nonce }) => nonce)).toEqual([1, 2])
  })

  it('stops in trouble and says how to go on', async () => {
    const [one, other] = [await world.spawn(5), await world.spawn()]
    const bad = world.parts.get(`${one}/3/assignment`)?.id
    world.bundler.decide = (id) => (id === bad ? away : undefined)
    expect(await su('reupload', `${one},${other}`, '0', '5')).toBe(1)
    const since = world.recordsOf(one)[3]?.timeKey
    expect(complaints).toEqual([
      `${one}: stopped at nonce 3: status 503: away`,
      `Go on with: reupload ${one} ${since} 5`,
      `Not begun: reupload ${other} 0 5`,
    ])
    expect(world.bundler.taken.has(other)).toBe(false)
  })

  it('goes on after a process that is not here, and after a refusal', async () => {
    const process = await world.spawn(1)
    world.bundler.decide = (id) => (id === process ? refused : undefined)
    const unknown = 'A'.repeat(43)
    expect(await su('reupload', `${unknown},${process}`, '0')).toBe(1)
    expect(complaints).toEqual([`Process ${unknown} is not known here.`])
    expect(printed.at(-1)).toBe(`${process}: 3 taken, 1 refused: dead letters.`)
    expect(world.store.isOwed({ process, sink: 'upload', nonce: 0, part: 'item' })).toBe(true)
  })
})

describe('the environment of the stack', () => {
  it('comes from its state folder, over the own one', () => {
    const dir = mkdtempSync(join(tmpdir(), 'operator-'))
    const own = { STATE_DIR: dir, HEADS_TABLE: 'elsewhere', HOME: '/home' }
    try {
      expect(stackEnvironment(own)).toEqual(own)
      writeFileSync(join(dir, 'env.json'), JSON.stringify({ HEADS_TABLE: 'heads', BUCKET: 'b' }))
      expect(stackEnvironment(own)).toEqual({ ...own, HEADS_TABLE: 'heads', BUCKET: 'b' })
      for (const nonsense of ['{', '{"HEADS_TABLE":1}']) {
        writeFileSync(join(dir, 'env.json'), nonsense)
        expect(() => stackEnvironment(own)).toThrow('is not what the local stack writes')
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('is each unit’s own, and the router’s, where there are several', () => {
    const dir = mkdtempSync(join(tmpdir(), 'operator-'))
    const own = { STATE_DIR: dir, HEADS_TABLE: 'elsewhere' }
    try {
      expect(routerEnvironment(own)).toEqual(own)
      for (const name of ['router', 'region-1']) {
        mkdirSync(join(dir, name))
        writeFileSync(join(dir, name, 'env.json'), JSON.stringify({ URL: name }))
      }
      expect(routerEnvironment(own)).toEqual({ ...own, URL: 'router' })
      for (const where of ['region-1', join(dir, 'region-1'), join(dir, 'region-1', 'env.json')]) {
        expect(unitEnvironment(own, where)).toEqual({ URL: 'region-1' })
      }
      for (const where of ['region-2', dir, join(dir, 'region-1', 'env.json', 'env.json')]) {
        expect(() => unitEnvironment(own, where)).toThrow(`There is no environment of a unit at ${where}`)
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
