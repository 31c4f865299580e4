/** Thirty-two clients at once: on one process, on thirty-two, while instances are killed, and over a kill of everything. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Item, inParallel, messageItem, messageItems, post, postOnce, processItem } from './client.ts'
import { expectScheduled, expectUploaded } from './schedule.ts'
import { openStack, type TestStack } from './stack.ts'

let unit: TestStack
beforeAll(async () => {
  unit = await openStack()
})
afterAll(() => unit.close())

const url = () => unit.url

async function spawned(name: string): Promise<string> {
  const process = await processItem(name)
  await post(url, process)
  return process.id
}

/** Posts once; the answer must be 200. */
async function accepted(item: Item): Promise<void> {
  const response = await postOnce(unit.url, item)
  expect(response.status, await response.clone().text()).toBe(200)
  expect(await response.json()).toMatchObject({ id: item.id, timestamp: expect.any(Number) })
}

describe('thirty-two clients', () => {
  it('on one process: no refusal, no gap, no double, all of it uploaded', async () => {
    const process = await spawned('one')
    const items = await messageItems(process, 320)
    await inParallel(items, 32, accepted)
    const edges = await expectScheduled(unit.url, process, items)
    await expectUploaded(unit.stack.gateway, edges, 60_000)
  })

  it('on thirty-two processes', async () => {
    const processes = await Promise.all(Array.from({ length: 32 }, (_, i) => spawned(`many ${i}`)))
    const items = await Promise.all(processes.map((process) => messageItems(process, 8)))
    const mixed = Array.from({ length: 8 }, (_, i) => items.flatMap((own) => own[i] ?? [])).flat()
    await inParallel(mixed, 32, accepted)
    for (const [i, process] of processes.entries()) {
      const edges = await expectScheduled(unit.url, process, items[i] ?? [])
      await expectUploaded(unit.stack.gateway, edges, 60_000)
    }
  })

  it('each sending the same message: it is scheduled once, and everybody gets the same answer', async () => {
    const process = await spawned('same')
    const item = await messageItem(process, 'again and again')
    await inParallel(
      Array.from({ length: 32 }, () => item),
      32,
      accepted,
    )
    await expectScheduled(unit.url, process, [item])
  })

  it('each spawning the same process: it begins once', async () => {
    const process = await processItem('spawned by many')
    await inParallel(
      Array.from({ length: 32 }, () => process),
      32,
      accepted,
    )
    await expectScheduled(unit.url, process.id, [])
  })
})

describe('killed', () => {
  it('instances, with -9, in the middle of it: every client gets its answer, and nothing is lost or there twice', async () => {
    const process = await spawned('instances killed')
    const items = await messageItems(process, 300)
    let [answered, killed] = [0, 0]
    await inParallel(items, 32, async (item) => {
      await post(url, item)
      answered++
      if (answered % 25 !== 0) return
      const pids = [...unit.stack.pids('su'), ...unit.stack.pids('relay')]
      const pid = pids[killed % pids.length]
      if (pid === undefined) return
      globalThis.process.kill(pid, 'SIGKILL')
      killed++
    })
    expect(killed).toBeGreaterThan(2)
    const edges = await expectScheduled(unit.url, process, items)
    await expectUploaded(unit.stack.gateway, edges, 60_000)
  })

  it('everything, in the middle of it, and started again: the same', async () => {
    const process = await spawned('everything killed')
    const items = await messageItems(process, 200)
    const answered: string[] = []
    const posting = inParallel(items, 32, async (item) => {
      await post(url, item)
      answered.push(item.id)
    })
    while (answered.length < 40) await sleep(20)
    await unit.killAndRestart()
    await posting
    const edges = await expectScheduled(unit.url, process, items)
    await expectUploaded(unit.stack.gateway, edges, 60_000)
  })
})
