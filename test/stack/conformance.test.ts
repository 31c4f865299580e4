/** The recorded profiles of the reference, asked of the whole stack over HTTP: each from an empty state. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ownerAddress, parseDataItem } from '../../core/ans104/data-item.ts'
import { startGateway } from '../../local/gateway.ts'
import { runProfile } from '../conformance/profile.ts'
import type { Profile } from '../conformance/recorded.ts'
import { A, addresses, B, raw, txs } from '../conformance/world.ts'
import { openRegions, openStack } from './stack.ts'

/** The height that the reference's gateway had. */
const HEIGHT = 1_234_567

const profiles: [Exclude<Profile, 'router'>, number, Record<string, string>][] = [
  ['main', 230, {}],
  ['no-process-assignment', 27, { ENABLE_PROCESS_ASSIGNMENT: 'false' }],
  [
    'max-size',
    18,
    { ENABLE_MESSAGE_MAX_SIZE: 'true', MAX_MESSAGE_SIZE_BYTES: '2000', MAX_SIZE_OWNER_WHITELIST: addresses.bob },
  ],
  ['whitelist', 8, { URL: 'http://unit.example' }],
]

/** The allow-list: A may be read and written, B only read. */
async function serveAllowList() {
  const entry = (read_only: boolean) => ({ su: 'http://unit.example', db_name: 'su', efs_name: 'su', read_only })
  const list = { sus: {}, processes: { [A]: entry(false), [B]: entry(true) } }
  const server = createServer((_, response) => response.end(JSON.stringify(list)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/list`, close: () => server.close() }
}

describe('the recorded scenarios, over HTTP', () => {
  it.each(profiles)('of profile %s: %i answers as they must be', async (profile, judged, variables) => {
    const gateway = await startGateway({ blockMs: Number.POSITIVE_INFINITY })
    gateway.setHeight(HEIGHT)
    for (const { recipient, anchor, ...transaction } of Object.values(txs)) {
      gateway.addTransaction({ ...transaction, target: recipient, anchor: anchor ?? '' })
    }
    const list = await serveAllowList()
    const services = { GATEWAY_URL: gateway.url, UPLOAD_NODE_URL: gateway.url, CACHE_URL: gateway.url }
    const allowList = profile === 'whitelist' ? { PROCESS_WHITELIST_URL: list.url } : {}
    const unit = await openStack({ ...services, ...variables, ...allowList })
    try {
      const result = await runProfile(profile, {
        fetch: (path, init) => fetch(unit.url + path, init),
        uploaded: async () =>
          new Set(gateway.uploads().flatMap(({ path, id }) => (path.startsWith('/tx') ? [id] : []))),
      })
      expect(result).toEqual({ judged, faults: [] })
    } finally {
      await unit.close()
      await gateway.stop()
      list.close()
    }
  })

  it('of profile router, over two units: 33 answers as they must be', async () => {
    const { regions, url, close } = await openRegions(2, {}, { instances: 1 })
    try {
      const units = regions.units.map((unit) => unit.url)
      const pinned = ownerAddress(parseDataItem(raw('procEth')).owner)
      const list = units.map((unit, index) => ({ url: unit, ...(index === 1 && { wallets_to_route: pinned }) }))
      await regions.router.stop()
      await regions.startRouter({ SCHEDULER_LIST: JSON.stringify(list) })
      const result = await runProfile('router', { fetch: (path, init) => fetch(url + path, init), units })
      expect(result).toEqual({ judged: 33, faults: [] })
    } finally {
      await close()
    }
  })
})
