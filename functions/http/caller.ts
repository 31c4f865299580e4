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
  /** CDN_SECRET, one or two; where the request carries one, the viewer's address that the CDN reports is the caller's. */
  cdnSecrets?: Secret<readonly string[]> | undefined
  /** ROUTER_SECRET, one or two; where the router proves by one for whom it asks, that one is the caller. */
  routerSecrets?: Secret<readonly string[]> | undefined
}

/**
 * The caller's address as text, `''` where none is known: no list has that. Headers that anybody can write
 * (`X-Forwarded-For`, `X-Real-IP`, `X-Router-Caller`) count for nothing.
 *
 * @param now ms
 */
export function callerAddress(c: Context, { cdnSecrets, routerSecrets }: CallerSecrets, now: number): string {
  // Before the CDN, which may stand between router and unit: the viewer that it reports is the router then.
  const proven = routerSecrets && provenCaller(c, routerSecrets, now)
  if (proven !== undefined) return proven
  if (cdnSecrets && isFromCdn(c, cdnSecrets)) {
    // The platform's address is an edge's here: without the viewer's the caller is unknown.
    return viewerAddress(c.req.header(VIEWER_HEADER))
  }
  return sourceAddress(c.env) ?? ''
}

function provenCaller(c: Context, secrets: Secret<readonly string[]>, now: number): string | undefined {
  const proof = c.req.header(PROOF_HEADER)
  if (proof === undefined) return undefined
  const caller = c.req.header(CALLER_HEADER) ?? ''
  const { method, url } = c.req
  return isProven(secrets, { method, url, caller }, proof, now) ? caller : undefined
}

/** Whether the request carries one of the CDN's secrets: in constant time, whatever the lengths. */
export function isFromCdn(c: Context, secrets: Secret<readonly string[]>): boolean {
  const header = c.req.header(CDN_SECRET_HEADER)
  if (header === undefined) return false
  const given = sha256(header)
  return secrets.reveal().some((secret) => timingSafeEqual(given, sha256(secret)))
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** An IPv6 address may stand in brackets or bare: the port is what follows the last colon. */
function viewerAddress(header = ''): string {
  const [, address = ''] = /^\[?(.+?)\]?:\d{1,5}$/.exec(header.trim()) ?? []
  return address
}
