/** The one way in: what did not come through the CDN is refused before anything is read, looked up or asked (docs/configuration.md). */
import type { MiddlewareHandler } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import { type CallerSecrets, isFromCdn } from './caller.ts'

/** Fails with `forbidden`, whatever is asked: what is public is the CDN's address, and its limits hold for everybody. */
export const throughCdnOnly =
  ({ cdnSecrets }: Pick<CallerSecrets, 'cdnSecrets'>): MiddlewareHandler =>
  async (c, next) => {
    if (cdnSecrets === undefined || isFromCdn(c, cdnSecrets)) return next()
    // Nothing behind this says it, and a browser is to see why it is refused.
    c.header('access-control-allow-origin', '*')
    throw new SchedulerError('forbidden', 'This is not the public address: requests are taken through the CDN only')
  }
