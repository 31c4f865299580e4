/** Whether a Rust unit still schedules in a process, by what it answers (recorded: test/data/conformance, profile whitelist). */
import { randomBytes } from 'node:crypto'
import { expect, it, onTestFinished } from 'vitest'
import { createOldUnit } from '../../network/old-unit.ts'
import { deadUrl, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

const process = randomBytes(32).toString('base64url')

async function asking(answer: OutsideServer['answer']) {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return { server, old: createOldUnit({ url: server.url, deadlineMs: 1_500 }) }
}

it('asks for what can never be scheduled', async () => {
  const { server, old } = await asking((_, response) => send(response, 400, { error: 'no such transaction' }))
  await old.refuses(process)
  expect(server.requests).toMatchObject([
    { method: 'POST', path: '/', search: `?process-id=${process}&assign=${'A'.repeat(43)}` },
  ])
})

it.each([
  [400, { error: `Process ${process} is read_only on this SU` }, true],
  [403, { error: `Process ${process} is not allowed on this SU` }, true],
  [400, `Process ${process} is read_only on this SU`, true],
  [400, { error: 'Transaction not found' }, false],
  [400, 'Transaction not found', false],
])('tells a refusal from another mistake (%s %j)', async (status, body, refuses) => {
  const { old } = await asking((_, response) => send(response, status, body))
  expect(await old.refuses(process)).toBe(refuses)
})

it.each([200, 307, 500, 502])('takes no other answer for one (%s)', async (status) => {
  const { old } = await asking((_, response) => send(response, status, { error: 'is read_only on this SU' }))
  await expect(old.refuses(process)).rejects.toMatchObject({ code: 'unavailable' })
})

it('says so where nothing answers', async () => {
  const old = createOldUnit({ url: await deadUrl(), deadlineMs: 300 })
  await expect(old.refuses(process)).rejects.toMatchObject({ code: 'unavailable' })
})
