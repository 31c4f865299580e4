/** Who is asking: the address that the IP list judges (contract, "What is refused", deviations). */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import type { Secret } from '../config/secret.ts'
import { sourceAddress } from './platform.ts'

/** The header by which the CDN proves that it is the CDN. */
export const CDN_SECRET_HEADER = 'x-cdn-secret'
/** `address:port` of the viewer, as CloudFront reports it. */
const VIEWER_HEADER = 'cloudfront-viewer-address'

/**
 * The caller's address as text, `''` where none is known: no list has that. Headers that anybody can write
 * (`X-Forwarded-For`, `X-Real-IP`) count for nothing.
 *
 * @param cdnSecret CDN_SECRET; where the request carries it, the viewer's address that the CDN reports is the caller's
 */
export function callerAddress(c: Context, cdnSecret?: Secret): string {
  if (cdnSecret && provesItself(c.req.header(CDN_SECRET_HEADER), cdnSecret)) {
    // The platform's address is an edge's here: without the viewer's the caller is unknown.
    return viewerAddress(c.req.header(VIEWER_HEADER))
  }
  return sourceAddress(c.env) ?? ''
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
