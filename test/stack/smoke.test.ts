/** A whole unit behind a router, once through its life. Everything else about whole stacks is in `npm run test:stacks`. */
import { expect, it } from 'vitest'
import { inParallel, messageItems, post, postOnce, processItem } from './client.ts'
import { expectScheduled, expectUploaded } from './schedule.ts'
import { openRegions } from './stack.ts'

it('starts, takes a process and messages, is killed, starts again, takes more, and gives all of it back', async () => {
  const all = await openRegions(1, {}, { instances: 2 })
  try {
    const url = () => all.url
    expect((await fetch(`${url()}/health`)).status).toBe(200)
    const process = await processItem('smoke')
    await post(url, process)
    const toUnit = await postOnce(url(), process, 'manual')
    expect(toUnit.status, 'what the router answers').toBe(307)
    expect(new URL(toUnit.headers.get('location') ?? '').origin).toBe(all.regions.units[0]?.url)

    const [before, after] = [await messageItems(process.id, 20, 'before'), await messageItems(process.id, 20, 'after')]
    await inParallel(before, 8, (item) => post(url, item))
    await expectScheduled(url(), process.id, before)

    await all.killAndRestart()
    await expectScheduled(url(), process.id, before)
    await inParallel(after, 8, (item) => post(url, item))
    const edges = await expectScheduled(url(), process.id, [...before, ...after])
    await expectUploaded(all.regions.gateway, edges, 60_000)
  } finally {
    await all.close()
  }
})
