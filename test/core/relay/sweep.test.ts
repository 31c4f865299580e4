/** The sweep: wakes what is behind, counts it, and stays small. */
import { beforeEach, describe, expect, it } from 'vitest'
import { relayProcess } from '../../../core/relay/relay.ts'
import { sweep } from '../../../core/relay/sweep.ts'
import { RelayWorld } from './world.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

describe('a sweep', () => {
  it('wakes the processes that are behind, and only those', async () => {
    const [finished, fresh, further, unassigned] = [
      await world.spawn(3),
      await world.spawn(3),
      await world.spawn(3),
      await world.spawn(0, { assigned: false }),
    ]
    for (const process of [finished, further]) {
      await world.clock.run(relayProcess(world.deps, process, { deadline: world.clock.now() + 60_000 }))
    }
    await world.grow(further, 2)
    const report = await sweep(world.deps)
    expect(world.store.woken.toSorted()).toEqual([fresh, further, unassigned].toSorted())
    const backlog = 4 + 2 + 1
    expect(report).toEqual({
      processes: 4,
      behind: 3,
      failed: 0,
      backlog: { metadata: backlog, upload: backlog, segments: 0 },
    })
    expect(world.counts.get('relay_backlog')).toBe(2 * backlog)
  })

  it('leaves out what is not to be done', async () => {
    const process = await world.spawn(3)
    const deps = { ...world.deps, effects: ['upload'] as const }
    await world.clock.run(relayProcess(deps, process, { deadline: world.clock.now() + 60_000 }))
    expect(await sweep(deps)).toMatchObject({ behind: 0, backlog: { metadata: 0, upload: 0 } })
    expect(world.counts.get('relay_backlog')).toBe(0)
  })

  it('goes on where one cannot be woken, and says so', async () => {
    const processes = [await world.spawn(), await world.spawn(), await world.spawn()]
    world.store.faults = {
      before: ({ name, args }) => {
        if (name === 'wake' && args[0] === processes[1]) throw new Error('no')
      },
    }
    expect(await sweep(world.deps)).toMatchObject({ processes: 3, behind: 3, failed: 1 })
    expect(world.store.woken).toEqual([processes[0], processes[2]])
  })

  it('fails when the scan breaks off', async () => {
    await world.spawn()
    world.store.faults = {
      before: ({ name }) => {
        if (name === 'scan') throw new Error('down')
      },
    }
    await expect(sweep(world.deps)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('reads on only as fast as it wakes', async () => {
    let scanned = 0
    let woken = 0
    let most = 0
    async function* scan() {
      for (; scanned < 5000; scanned++) {
        most = Math.max(most, scanned - woken)
        yield { process: `p${scanned}`, next: 1, firstNonce: 0, done: {} } as const
      }
    }
    const wake = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      woken++
    }
    const report = await sweep({ ...world.deps, store: { scan, wake } })
    expect(report).toMatchObject({ processes: 5000, behind: 5000, failed: 0 })
    expect(woken).toBe(5000)
    expect(most).toBeLessThan(64)
  })
})
