/** A relay that is killed between any two of its steps loses nothing, and the next one finishes what it began. */
import { expect, it } from 'vitest'
import { relayProcess } from '../../../core/relay/relay.ts'
import { type Life, mortal } from './mortal.ts'
import { RelayWorld, refused } from './world.ts'

for (const lastHappens of [false, true]) {
  it(`killed ${lastHappens ? 'after' : 'before'} each step`, async () => {
    let died = true
    let step = 0
    for (; died; step++) {
      const world = new RelayWorld(step)
      const process = await world.spawn(2, { assigned: step % 2 === 0 })
      await world.grow(process, 2, { body: 'blob' })
      await world.grow(process, 1, { kind: 'transaction' })
      const bad = world.recordsOf(process)[2]?.id
      world.bundler.decide = (id) => (id === bad ? refused : undefined)
      world.store.faults = { after: () => world.checkWatermarks() }
      const deadline = world.clock.now() + 3_600_000

      const life: Life = { calls: step, lastHappens }
      await world.clock.run(relayProcess(mortal(world.deps, world.packing, life), process, { deadline }))
      died = life.calls < 0
      world.checkWatermarks()

      const { sinks } = await world.clock.run(relayProcess(world.deps, process, { deadline }))
      expect([...sinks.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
      world.checkFinished()
      const nonce = world.recordsOf(process)[2]?.nonce ?? 0
      expect(world.store.isOwed({ process, sink: 'upload', nonce, part: 'item' })).toBe(true)
    }
    // Progress, records, 2 blobs, the index, 10 parts with their offers, a dead letter, one write of watermarks.
    expect(step).toBeGreaterThan(25)
  }, 30_000)
}
