/** CloudFront in front of a function. The function refuses every request without CloudFront's secret. */
import type { SharedSecret } from './secrets.ts'

/** AWS's policy AllViewerExceptHostHeader: all that the viewer sent, and CloudFront's own headers, its address among them. */
const ALL_BUT_HOST = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

/** CloudFront waits so much longer than the function may take, s: then the answer is the function's. */
const MARGIN = 5

/** Answers that CloudFront would keep for ten seconds of its own accord. */
const ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]

const YEAR = 365 * 24 * 3600

/** What all CDNs of a stack share. */
export interface CdnPolicies {
  cache: aws.cloudfront.CachePolicy
  headers: aws.cloudfront.ResponseHeadersPolicy
}

/** @param nameOf the physical name, at most 128 characters */
export const createCdnPolicies = (nameOf: (name: string) => string): CdnPolicies => ({
  cache: createCachePolicy(nameOf('as-the-answer-says')),
  headers: createHeadersPolicy(nameOf('for-every-origin')),
})

/**
 * CORS headers for the answers that no app makes: errors of CloudFront, the firewall and Lambda (413, 429, 502, 504). A browser would
 * show a CORS error in their place. The app's own headers stay as they are, so none is doubled.
 */
const createHeadersPolicy = (name: string): aws.cloudfront.ResponseHeadersPolicy =>
  new aws.cloudfront.ResponseHeadersPolicy('ForEveryOrigin', {
    name,
    comment: 'CORS for errors that the function does not make.',
    corsConfig: {
      originOverride: false,
      accessControlAllowCredentials: false,
      accessControlAllowOrigins: { items: ['*'] },
      accessControlAllowMethods: { items: ['ALL'] },
      accessControlAllowHeaders: { items: ['*'] },
      accessControlExposeHeaders: { items: ['*'] },
      accessControlMaxAgeSec: 86_400,
    },
  })

/** What may be kept, and for how long, is what an answer says; the whole query is part of what was asked. */
const createCachePolicy = (name: string): aws.cloudfront.CachePolicy =>
  new aws.cloudfront.CachePolicy('AsTheAnswerSays', {
    name,
    comment: 'Kept as long as the answer says, and not at all where it says nothing.',
    minTtl: 0,
    defaultTtl: 0,
    maxTtl: YEAR,
    parametersInCacheKeyAndForwardedToOrigin: {
      queryStringsConfig: { queryStringBehavior: 'all' },
      headersConfig: { headerBehavior: 'none' },
      cookiesConfig: { cookieBehavior: 'none' },
      enableAcceptEncodingGzip: true,
      enableAcceptEncodingBrotli: true,
    },
  })

export interface CdnOptions {
  /** For people, in the console. */
  comment: string
  origin: sst.aws.Function
  /** s, how long the function may take. */
  timeout: number
  domain: string | undefined
  /** infra/stage.ts */
  certificate: string | undefined
  secret: SharedSecret
  policies: CdnPolicies
  firewall: aws.wafv2.WebAcl | undefined
}

export const createCdn = (logical: string, options: CdnOptions): sst.aws.Cdn =>
  new sst.aws.Cdn(logical, {
    comment: options.comment,
    ...(options.domain !== undefined && { domain: domainOf(options.domain, options.certificate) }),
    // A deploy need not wait until every edge knows.
    wait: false,
    origins: [
      {
        originId: 'function',
        domainName: options.origin.url.apply((url) => new URL(url).hostname),
        customOriginConfig: {
          httpPort: 80,
          httpsPort: 443,
          originProtocolPolicy: 'https-only',
          originSslProtocols: ['TLSv1.2'],
          originReadTimeout: options.timeout + MARGIN,
          originKeepaliveTimeout: 60,
        },
        customHeaders: [{ name: 'x-cdn-secret', value: options.secret.current }],
      },
    ],
    defaultCacheBehavior: {
      targetOriginId: 'function',
      viewerProtocolPolicy: 'redirect-to-https',
      allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
      cachedMethods: ['GET', 'HEAD'],
      compress: true,
      cachePolicyId: options.policies.cache.id,
      responseHeadersPolicyId: options.policies.headers.id,
      originRequestPolicyId: ALL_BUT_HOST,
    },
    customErrorResponses: ERRORS.map((errorCode) => ({ errorCode, errorCachingMinTtl: 0 })),
    ...(options.firewall && { webAclArn: options.firewall.arn }),
    transform: {
      distribution: { httpVersion: 'http2and3', isIpv6Enabled: true },
    },
  })

const domainOf = (name: string, certificate: string | undefined) =>
  certificate === undefined ? { name } : { name, cert: certificate, dns: false as const }
