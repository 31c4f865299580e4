/** The operator's command about segments: what it says, and what it does. */
import { beforeEach, expect, it } from 'vitest'
import { run } from '../../operator/run.ts'
import { RelayWorld } from '../core/relay/world.ts'
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
  run(args, {
    ...closed,
    segments: () => world.packing,
    uploads: () => world.deps,
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  })

it('says how it is called', async () => {
  const id = 'A'.repeat(43)
  const wrong: [string[], string][] = [
    [['segments'], 'verify them, or build'],
    [['segments', 'list', id], 'verify them, or build'],
    [['segments', 'verify'], 'name processes'],
    [['segments', 'build', 'short'], 'Name processes'],
    [['segments', 'build', id, id], `What is ${id}`],
    [['segments', 'build', id, '--all'], '--all'],
    [['segments', 'build', '--everything'], '--everything'],
  ]
  for (const [args, complaint] of wrong) {
    complaints = []
    expect([args, await run(args, { ...closed, complain: (line) => complaints.push(line) })]).toEqual([args, 2])
    expect(complaints.join('\n')).toContain(complaint)
  }
})

it('verifies what is packed, and packs what is missing or damaged', async () => {
  const [one, other] = [await world.spawn(600), await world.spawn(10)]
  expect(await su('segments', 'verify', `${one},${other}`)).toBe(1)
  expect(printed).toEqual([
    `${one}: block 0 is missing: it has no index`,
    `${one}: block 1 is missing: it has no index`,
    `${one}: 0 blocks sound, 2 missing, 0 damaged, 0 unsound in the log.`,
    `${other}: 0 blocks sound, 0 missing, 0 damaged, 0 unsound in the log.`,
  ])
  printed = []
  expect(await su('segments', 'build', one)).toBe(0)
  expect(printed.at(-1)).toBe(`${one}: 0 blocks sound, 2 packed now, 0 missing, 0 damaged, 0 unsound in the log.`)
  world.indexes.alter(one, 1, (row) => row.subarray(1))
  printed = []
  expect(await su('segments', 'verify', one, '--json')).toBe(1)
  expect(printed.map((line) => JSON.parse(line))).toEqual([
    { process: one, block: 0, state: 'sound', what: [] },
    { process: one, block: 1, state: 'damaged', what: ['its index is another one'] },
  ])
  expect(await su('segments', 'build', one)).toBe(0)
  expect(await su('segments', 'verify', one)).toBe(0)
})

it('goes on after a process that is not here', async () => {
  const process = await world.spawn(300)
  const unknown = 'A'.repeat(43)
  expect(await su('segments', 'build', `${unknown},${process}`)).toBe(1)
  expect(complaints).toEqual([`Process ${unknown} is not known here.`])
  expect(world.indexes.rows.size).toBe(1)
})

it('packs what is missing of all processes', async () => {
  const processes = [await world.spawn(300), await world.spawn(10), await world.spawn(600)]
  expect(await su('segments', 'verify', '--all')).toBe(1)
  expect(await su('segments', 'build', '--all')).toBe(0)
  expect(world.indexes.rows.size).toBe(3)
  for (const process of processes) expect(printed.some((line) => line.startsWith(`${process}: `))).toBe(true)
})
