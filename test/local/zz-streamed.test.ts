import { it, expect, onTestFinished } from 'vitest'
import { hostFixture } from './host.ts'
import { openFunctionUrl } from '../../local/lambda/function-url.ts'
it('x', async () => {
  const hosted = await hostFixture('zz-streamed', { instances: 1, warm: 1, concurrency: Number(process.env.CONC ?? 1) })
  await hosted.lambda.ready()
  const front = await openFunctionUrl({ lambda: hosted.lambda, onFailure: (m) => hosted.log.push(m) })
  onTestFinished(() => front.stop()); front.open()
  const t = async (path: string, init?: RequestInit) => { try { const r = await fetch(front.url + path, init); const b = await r.arrayBuffer().then((x) => x.byteLength < 20 ? Buffer.from(x).toString() : String(x.byteLength), (e) => `BROKEN ${e.message}`); return `${path} ${r.status} ${b}` } catch (e) { return `${path} ${e}` } }
  const out = []
  for (const p of ['/who', '/cut', '/who']) out.push(await t(p))
  out.push(...await Promise.all([t('/slow'), t('/cut')]), await t('/who'))
  console.log(out.join('\n'), '\n', hosted.log.join('\n'))
}, 30000)
