/** The operator's command that verifies schedules: what it prints, how far it says it is, and how it is taken up again. */
import { beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../operator/run.ts'
import { AuditWorld, wallet } from '../core/audit/world.ts'
import { closed } from './workplace.ts'

let world: AuditWorld
let printed: string[]
let complaints: string[]
let shown: [number, number][]
let interruption: AbortController
let asked: { where: string | undefined; uploads: boolean } | undefined
/** What happens when so many records are done. */
let atRecord: ((done: number) => void) | undefined
beforeEach(() => {
  world = new AuditWorld()
  atRecord = undefined
})

const su = (...args: string[]) => {
  printed = []
  complaints = []
  shown = []
  interruption = new AbortController()
  return run(['verify', ...args], {
    ...closed,
    async audit(options) {
      asked = options
      const { log, inspection, blobs, imports, relay, gateway } = world
      const parts = { log, inspection, bodies: blobs, imports, relay, owner: wallet.owner }
      return { ...parts, gateway: options.uploads ? gateway : undefined }
    },
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
    progress: () => ({
      show(done, all) {
        shown.push([done, all])
        atRecord?.(done)
      },
      clear() {},
      end() {},
    }),
    interruption: () => interruption.signal,
  })
}
const objects = () => printed.map((line) => JSON.parse(line))
const unknown = `-${'A'.repeat(42)}`

describe('verify', () => {
  it('says that processes are sound, and how far it is', async () => {
    const [one, other] = [await world.process({ more: 70 }), await world.process()]
    expect(await su(`${one},${other}`)).toBe(0)
    expect(printed).toEqual([`${one}: 75 records, sound.`, `${other}: 7 records, sound.`])
    expect(shown).toEqual([
      [64, 82],
      [75, 82],
      [75, 82],
      [82, 82],
      [82, 82],
    ])
    expect(await su('--all', '--json', '--unit', 'x')).toBe(0)
    expect(objects()).toEqual([
      { process: one, records: 75, faults: 0, pending: 0 },
      { process: other, records: 7, faults: 0, pending: 0 },
    ])
    expect(asked).toEqual({ where: 'x', uploads: false })
  })

  it('tells each fault in a line', async () => {
    const process = await world.process()
    world.log.lose(process, 2)
    world.change(process, 5, { blockHeight: 9 })
    expect(await su(process)).toBe(1)
    expect(printed).toEqual([
      `${process}  nonce 2  missing: has no record`,
      `${process}  nonce 5  height: falls in block height`,
      `${process}  nonce 5  assignment: was signed with another Block-Height`,
      `${process}: 7 records, 3 faults.`,
    ])
    expect(await su(process, '--from', '3', '--json')).toBe(1)
    expect(objects()).toEqual([
      { process, nonce: 5, kind: 'height', what: 'falls in block height' },
      { process, nonce: 5, kind: 'assignment', what: 'was signed with another Block-Height' },
      { process, records: 4, faults: 2, pending: 0 },
    ])
  })

  it('looks for uploads, as far as the relay has come', async () => {
    const process = await world.process()
    await world.relay.advance(process, { upload: { from: undefined, to: 1 } })
    expect(await su(process, '--uploads')).toBe(1)
    expect(printed).toEqual([
      `${process}  nonce 0  upload: has the item ${process}, which is not at the gateway`,
      expect.stringMatching('nonce 0 {2}upload: has the assignment .{43}, which is not at the gateway'),
      `${process}: 7 records, 2 faults; 6 not uploaded yet.`,
    ])
  })

  it('goes on after what is not here, or not yet', async () => {
    const [coming, own] = [await world.process(), await world.process()]
    await world.log.setState(coming, 'open', 'incomplete')
    expect(await su(`${unknown},${coming},${own}`)).toBe(1)
    expect(complaints).toEqual([
      `Process ${unknown} is not known here.`,
      `${coming}: Process ${coming} is still being brought here: it cannot be verified yet.`,
    ])
    expect(printed).toEqual([`${own}: 7 records, sound.`])
    expect(await su(own, '--from', '8')).toBe(1)
    expect(complaints[0]).toContain('none from 8 on')
  })

  it('says in an outage where it stopped, and goes on from there', async () => {
    const [one, other] = [await world.process({ more: 200 }), await world.process()]
    world.blobs.faults = {}
    world.inspection.faults = {
      before({ args }) {
        const [process, nonces] = args as [string, number[]]
        if (process === one && nonces.includes(130)) throw new Error('away')
      },
    }
    expect(await su(`${one},${other}`, '--uploads', '--migrated', '--unit', '2')).toBe(1)
    expect(complaints).toEqual([
      `${one}: stopped at nonce 128: The store does not answer.`,
      `Go on with: verify ${one} --from 128 --uploads --migrated --unit 2`,
      `Not begun: verify ${other} --uploads --migrated --unit 2`,
    ])
    expect(await su('--all')).toBe(1)
    expect(complaints.at(-1)).toBe(`Not begun: verify --all --after ${one}`)
    world.inspection.faults = {}
    expect(await su(one, '--from', '128')).toBe(0)
    expect(printed).toEqual([`${one}: 77 records, sound.`])
    expect(await su('--all', '--after', one)).toBe(0)
    expect(printed).toEqual([`${other}: 7 records, sound.`])
    expect(shown.at(-1)).toEqual([7, 7])
    expect(await su('--all', '--after', unknown)).toBe(1)
    expect(complaints).toEqual([`Process ${unknown} is not known here: nothing comes after it.`])
  })

  it('interrupted, it says how to go on', async () => {
    const [one, other] = [await world.process({ more: 100 }), await world.process()]
    atRecord = () => interruption.abort()
    expect(await su(`${one},${other}`)).toBe(1)
    expect(complaints).toEqual([
      `${one}: stopped at nonce 64: interrupted.`,
      `Go on with: verify ${one} --from 64`,
      `Not begun: verify ${other}`,
    ])
    expect(await su('--all', '--after', one)).toBe(0)
    // Between two processes.
    atRecord = (done) => done === 105 && interruption.abort()
    expect(await su('--all')).toBe(1)
    expect([printed, complaints]).toEqual([[`${one}: 105 records, sound.`], [`Not begun: verify --all --after ${one}`]])
  })

  it('called wrongly says how', async () => {
    const wrong: [string[], string][] = [
      [[], 'or say --all'],
      [['--all', unknown], 'or say --all'],
      [['short'], 'Name processes'],
      [[unknown, 'more'], 'What is more'],
      [[unknown, '--from', 'x'], '--from is a nonce'],
      [['--all', '--from', '1'], '--from is for one'],
      [[`${unknown},${unknown}`, '--from', '1'], '--from is for one'],
      [[unknown, '--after', unknown], '--after is for --all'],
      [['--all', '--after', 'x'], 'by its id'],
    ]
    for (const [args, complaint] of wrong) {
      expect([args, await su(...args)]).toEqual([args, 2])
      expect(complaints.join()).toContain(complaint)
    }
  })
})
