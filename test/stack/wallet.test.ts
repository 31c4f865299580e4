/** A log belongs to one wallet: another one cannot start on it, and changes nothing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parseOptions } from '../../local/options.ts'
import { startStack } from '../../local/stack.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { messageItem, postOnce, processItem } from './client.ts'
import { expectScheduled } from './schedule.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'su-wallet-'))
afterAll(() => rmSync(stateDir, { recursive: true, force: true }))

const start = (wallet: object) =>
  startStack({
    ...parseOptions({ LOG_LEVEL: 'silent', SU_WALLET: JSON.stringify(wallet), STATE_DIR: stateDir }),
    port: 0,
  })

it('a start with another wallet than the log’s ends with a sentence; its own wallet goes on', async () => {
  const process = await processItem('of one wallet')
  const first = await start(wallets.su)
  expect((await postOnce(first.url, process)).status).toBe(200)
  await first.stop()

  await expect(start(wallets.alice)).rejects.toThrow(/^This log belongs to the wallet .+ Start it with that wallet/)

  const again = await start(wallets.su)
  try {
    const message = await messageItem(process.id, 'goes on')
    expect((await postOnce(again.url, message)).status).toBe(200)
    await expectScheduled(again.url, process.id, [message])
  } finally {
    await again.stop()
  }
})
