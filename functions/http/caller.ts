/** Who is asking: the address that the IP list judges (contract, "What is refused", deviations). */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import type { Secret } from '../config/secret.ts'
import { sourceAddress } from './platform.ts'
import { CALLER_HEADER, isProven, PROOF_HEADER } from './router-proof.ts'

/** The header by which the CDN proves that it is the CDN. */
export const CDN_SECRET_HEADER = 'x-cdn-secret'
/** `address:port` of the viewer, as CloudFront reports it. */
const VIEWER_HEADER = 'cloudfront-viewer-address'

/** What is believed beside the platform, by whom the secrets are. */
export interface CallerSecrets {
  /** CDN_SECRET; where the request carries it, the viewer's address that the CDN reports is the caller's. */
  cdnSecret?: Secret | undefined
  /** ROUTER_SECRET; where the router proves by it for whom it asks, that one is the caller. */
  routerSecret?: Secret | undefined
}

/**
 * The caller's address as text, `''` where none is known: no list has that. Headers that anybody can write
 * (`X-Forwarded-For`, `X-Real-IP`, `X-Router-Caller`) count for nothing.
 *
 * @param now ms
 */
export function callerAddress(c: Context, { cdnSecret, routerSecret }: CallerSecrets, now: number): string {
  // Before the CDN, which may stand between router and unit: the viewer that it reports is the router then.
  const proven = routerSecret && provenCaller(c, routerSecret, now)
  if (proven !== undefined) return proven
  if (cdnSecret && provesItself(c.req.header(CDN_SECRET_HEADER), cdnSecret)) {
    // The platform's address is an edge's here: without the viewer's the caller is unknown.
    return viewerAddress(c.req.header(VIEWER_HEADER))
  }
  return sourceAddress(c.env) ?? ''
}

function provenCaller(c: Context, secret: Secret, now: number): string | undefined {
  const proof = c.req.header(PROOF_HEADER)
  if (proof === undefined) return undefined
  const caller = c.req.header(CALLER_HEADER) ?? ''
  const { method, url } = c.req
  return isProven(secret, { method, url, caller }, proof, now) ? caller : undefined
}

/** In constant time, whatever the lengths. */
function provesItself(header: string | undefined, secret: Secret): boolean {
  if (header === undefined) return false
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header), digest(secret.reveal()))
}

/** An IPv6 address may stand in brackets or bare: the port is what follows the last colon. */
function viewerAddress(header = ''): string {
  const [, address = ''] = /^\[?(.+?)\]?:\d{1,5}$/.exec(header.trim()) ?? []
  return address
}
