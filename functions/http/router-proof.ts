/**
 * How a router proves to a unit on whose behalf it asks: an HMAC by the secret that both know (ROUTER_SECRET), over the
 * time, the request and the caller's address. Both sides of it are here. A bare header proves nothing.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../config/secret.ts'

/** The caller's address as the router knows it; it may be empty. */
export const CALLER_HEADER = 'x-router-caller'
/** `{ms}.{hex of the HMAC}` */
export const PROOF_HEADER = 'x-router-proof'

/** How far the clocks of router and unit may be apart, and how long a request may be on its way, ms. */
const HOLDS_MS = 120_000

export interface ProvenRequest {
  method: string
  /** Path and query; the rest does not count. */
  url: string
  /** The caller's address, `''` where it is not known. */
  caller: string
}

/**
 * The value of `x-router-proof`. Of two secrets the last signs: units that do not have the new one yet know it.
 * @param now ms
 */
export function proofOf(secrets: Secret<readonly string[]>, request: ProvenRequest, now: number): string {
  const secret = secrets.reveal().at(-1) ?? ''
  return `${now}.${signature(secret, request, String(now)).toString('hex')}`
}

/** Whether a proof is right and not out of date: an old one is as good as none, and so is one from the future. */
export function isProven(
  secrets: Secret<readonly string[]>,
  request: ProvenRequest,
  proof: string,
  now: number,
): boolean {
  const [, time = '', given = ''] = /^(\d{1,15})\.([0-9a-f]{64})$/.exec(proof) ?? []
  if (time === '' || Math.abs(now - Number(time)) > HOLDS_MS) return false
  const bytes = Buffer.from(given, 'hex')
  return secrets.reveal().some((secret) => timingSafeEqual(signature(secret, request, time), bytes))
}

function signature(secret: string, { method, url, caller }: ProvenRequest, time: string): Buffer {
  const { pathname, searchParams } = new URL(url)
  // Platforms on the way may write the same query differently (`base-layer` or `base-layer=`): what it says is signed.
  const text = [time, method, `${pathname}?${searchParams}`, caller].join('\n')
  return createHmac('sha256', secret).update(text).digest()
}
