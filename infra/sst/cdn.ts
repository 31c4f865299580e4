/** CloudFront in front of a function: the one way in. What comes without its secret is refused by the function. */
import type { SharedSecret } from './secrets.ts'

/** AWS's policy AllViewerExceptHostHeader: all that the viewer sent, and CloudFront's own headers, its address among them. */
const ALL_BUT_HOST = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

/** CloudFront waits so much longer than the function may take, s: then the answer is the function's. */
const MARGIN = 5

/** Answers that CloudFront would keep for ten seconds of its own accord. */
const ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]

const YEAR = 365 * 24 * 3600

/** What may be kept, and for how long, is what an answer says; the whole query is part of what was asked. One for all CDNs. */
export const createCachePolicy = (name: string): aws.cloudfront.CachePolicy =>
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
  cachePolicy: aws.cloudfront.CachePolicy
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
      cachePolicyId: options.cachePolicy.id,
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
