/** A Rust unit that processes are moved away from, asked over HTTP whether it still schedules: adapter of `core/ports/old-unit.ts`. */
import { idBytes } from '../core/ans104/base64url.ts'
import type { OldUnit } from '../core/ports/old-unit.ts'
import { ask, below, body, request, type Service, trouble } from './service.ts'

export interface OldUnitOptions {
  /** Its own address, not its router's. */
  url: string
  /** How long a question may take, all attempts together, ms. */
  deadlineMs?: number
}

/** No transaction has 32 zero bytes for its id, so no unit can ever assign it. */
const PROBE = Buffer.alloc(32).toString('base64url')

/** What it says, before it looks at anything else, where its allow-list has the process read-only, or not at all. */
const REFUSAL = /is (read_only|not allowed) on this SU/

/** A sentence is all that is wanted of an answer, in JSON or not. */
const MAX_BYTES = 10_000

export function createOldUnit({ url, deadlineMs = 20_000 }: OldUnitOptions): OldUnit {
  const service: Service = { name: 'The old unit', deadlineMs, attemptMs: deadlineMs / 2 }
  return {
    async refuses(process) {
      idBytes(process)
      const probe = below(url, '')
      probe.searchParams.set('process-id', process)
      probe.searchParams.set('assign', PROBE)
      return ask(service, async (signal) => {
        const response = await request(service, probe, { method: 'POST', redirect: 'manual', signal })
        // Neither redirects nor successes are answers of a unit that was asked this.
        if (response.status < 400 || response.status >= 500) throw await trouble(service, response)
        return REFUSAL.test(await beginning(service, response))
      })
    },
  }
}

async function beginning(service: Service, response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body(service, response)) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > MAX_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
