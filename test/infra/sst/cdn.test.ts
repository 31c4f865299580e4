/** The way in: CloudFront before the router and each unit, and the firewall before that. */
import { describe, expect, it } from 'vitest'
import { functions } from '../../../infra/functions.ts'
import { graphOf, ofType, one, type Variant } from './graph.ts'
import { suffixOf } from './logical.ts'

const all: Variant[] = ['prod', 'personal', 'personalDev', 'regions', 'elsewhere']

interface Distribution {
  aliases: string[]
  webAclId?: string
  viewerCertificate: Record<string, unknown>
  customErrorResponses: { errorCode: number; errorCachingMinTtl: number }[]
  origins: {
    domainName: string
    customOriginConfig: Record<string, unknown>
    customHeaders: { name: string; value: string }[]
  }[]
  defaultCacheBehavior: Record<string, unknown>
}

describe.each(all)('the CDN (%s)', (variant) => {
  const graph = graphOf(variant)
  const distributions = ofType(graph, 'cloudfront:Distribution')
  const settingsOf = ({ inputs }: (typeof distributions)[number]) => inputs as unknown as Distribution

  it('is before each unit, and before the router, and before nothing else', () => {
    const units = Object.keys(graph.outputs.units).map((region) => `SuCdn${suffixOf(region)}Distribution`)
    const router = graph.outputs.router ? ['RouterCdnDistribution'] : []
    expect(distributions.map(({ name }) => name).sort()).toEqual([...units, ...router].sort())
    expect(ofType(graph, 'lambda:FunctionUrl').length).toBe(distributions.length)
  })

  it.each(distributions.map((one) => [one.name, one] as const))(
    '%s asks its function, over TLS, as long as that may take, and proves itself',
    (name, distribution) => {
      const { origins } = settingsOf(distribution)
      expect(origins.length).toBe(1)
      const [origin] = origins
      const suffix = name.startsWith('Router') ? 'RouterUsEast1' : name.replace(/^SuCdn(.+)Distribution$/, 'Su$1')
      const url = one(graph, 'lambda:FunctionUrl', `${suffix}Url`)
      expect(origin?.domainName).toBe(`${url.name.toLowerCase()}.lambda-url.${url.region}.on.aws`)
      expect(origin?.customOriginConfig).toMatchObject({
        originProtocolPolicy: 'https-only',
        originSslProtocols: ['TLSv1.2'],
      })
      const { timeout } = name.startsWith('Router') ? functions.router : functions.su
      expect(origin?.customOriginConfig.originReadTimeout).toBeGreaterThan(timeout)
      // More is to be asked of AWS first.
      expect(origin?.customOriginConfig.originReadTimeout).toBeLessThanOrEqual(60)
      expect(origin?.customHeaders).toEqual([{ name: 'x-cdn-secret', value: expect.stringMatching(/^[\da-f]{32}$/) }])
    },
  )

  it('adds CORS headers to errors that no app makes, and leaves those of the app', () => {
    const policies = ofType(graph, 'cloudfront:ResponseHeadersPolicy')
    expect(policies.length).toBe(1)
    for (const distribution of distributions) {
      expect(settingsOf(distribution).defaultCacheBehavior.responseHeadersPolicyId).toBe(`${policies[0]?.name}_id`)
    }
    expect(policies[0]?.inputs.corsConfig).toEqual({
      // With true CloudFront would replace what the app says.
      originOverride: false,
      accessControlAllowCredentials: false,
      accessControlAllowOrigins: { items: ['*'] },
      accessControlAllowMethods: { items: ['ALL'] },
      accessControlAllowHeaders: { items: ['*'] },
      accessControlExposeHeaders: { items: ['*'] },
      accessControlMaxAgeSec: 86_400,
    })
  })

  it.each(distributions.map((one) => [one.name, one] as const))(
    '%s keeps what says so, and nothing else, errors least of all',
    (_, distribution) => {
      const { defaultCacheBehavior, customErrorResponses } = settingsOf(distribution)
      const [policy] = ofType(graph, 'cloudfront:CachePolicy')
      expect(ofType(graph, 'cloudfront:CachePolicy').length).toBe(1)
      expect(defaultCacheBehavior).toMatchObject({
        cachePolicyId: `${policy?.name}_id`,
        allowedMethods: expect.arrayContaining(['GET', 'HEAD', 'OPTIONS', 'POST']),
        cachedMethods: ['GET', 'HEAD'],
        viewerProtocolPolicy: 'redirect-to-https',
        compress: true,
      })
      expect(policy?.inputs).toMatchObject({
        minTtl: 0,
        defaultTtl: 0,
        parametersInCacheKeyAndForwardedToOrigin: {
          queryStringsConfig: { queryStringBehavior: 'all' },
          headersConfig: { headerBehavior: 'none' },
          cookiesConfig: { cookieBehavior: 'none' },
        },
      })
      expect(customErrorResponses.map(({ errorCode }) => errorCode)).toEqual([
        400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504,
      ])
      // Nor in its place an answer of CloudFront's own.
      for (const response of customErrorResponses)
        expect(response).toEqual({ errorCode: response.errorCode, errorCachingMinTtl: 0 })
    },
  )

  it.each(distributions.map((one) => [one.name, one] as const))(
    '%s passes on what the viewer sent, and its address',
    (_, distribution) => {
      const { defaultCacheBehavior } = settingsOf(distribution)
      // AWS's AllViewerExceptHostHeader.
      expect(defaultCacheBehavior.originRequestPolicyId).toBe('b689b0a8-53d0-40ab-baf2-68738e2966ac')
      expect(defaultCacheBehavior.functionAssociations ?? []).toEqual([])
    },
  )
})

describe('names of one’s own', () => {
  const graph = graphOf('regions')

  it.each([
    ['RouterCdn', 'router.prod.example'],
    ['SuCdnUsEast1', 'use1.prod.example'],
    ['SuCdnEuWest1', 'euw1.prod.example'],
  ])('%s is %s, with a certificate', (cdn, domain) => {
    const { inputs } = one(graph, 'cloudfront:Distribution', `${cdn}Distribution`)
    expect(inputs.aliases).toEqual([domain])
    expect(inputs.viewerCertificate).toMatchObject({ minimumProtocolVersion: 'TLSv1.2_2021' })
    const certificate = one(graph, 'acm:Certificate', `${cdn}SslCertificate`)
    expect(certificate.region).toBe('us-east-1')
    expect(certificate.inputs.domainName).toBe(domain)
    expect(
      ofType(graph, 'route53:Record')
        .filter(({ inputs: record }) => record.name === domain)
        .map(({ inputs: record }) => record.type)
        .sort(),
    ).toEqual(['A', 'AAAA'])
  })

  it('are what units and router call themselves and each other', () => {
    const { units, router, url } = graph.outputs
    expect(url).toBe('https://router.prod.example')
    expect(
      Object.values(units)
        .map(({ URL }) => URL)
        .sort(),
    ).toEqual(['https://euw1.prod.example', 'https://use1.prod.example'])
    expect(JSON.parse(router?.SCHEDULER_LIST ?? '')).toEqual([
      { url: 'https://use1.prod.example' },
      { url: 'https://euw1.prod.example' },
    ])
  })

  it('may be done without by a unit alone', () => {
    const alone = graphOf('prod')
    expect(alone.outputs.url).toBe('https://sucdnuseast1distribution.cloudfront.net')
    expect(alone.outputs.units['us-east-1']?.URL).toBe(alone.outputs.url)
  })
})

describe('the firewall', () => {
  const graph = graphOf('regions')
  const firewalls = ofType(graph, 'wafv2:WebAcl')

  it('is before every CDN, where CloudFront looks for it', () => {
    expect(firewalls.map(({ region, inputs }) => [region, inputs.scope])).toEqual(
      firewalls.map(() => ['us-east-1', 'CLOUDFRONT']),
    )
    const used = ofType(graph, 'cloudfront:Distribution').map(({ inputs }) => inputs.webAclId)
    expect(used).toEqual(
      used.map(() => expect.stringMatching(/^arn:aws:wafv2:us-east-1:.*:global\/webacl\/ao-su-prod-/)),
    )
    expect(new Set(used).size).toBe(firewalls.length)
  })

  it.each(firewalls.map((one) => [one.name, one] as const))(
    '%s lets pass whom it must, and stops floods by address and by process',
    (_, { inputs }) => {
      const rules = inputs.rules as {
        name: string
        priority: number
        action: { allow?: object; block?: { customResponse: object } }
        statement: { rateBasedStatement?: object }
      }[]
      expect(inputs.defaultAction).toEqual({ allow: {} })
      expect(rules.map(({ name, priority, action }) => [name, priority, Object.keys(action)[0]])).toEqual([
        ['exempt-ipv4', 0, 'allow'],
        ['exempt-ipv6', 1, 'allow'],
        ['per-address', 2, 'block'],
        ['per-process', 3, 'block'],
        ['per-path', 4, 'block'],
      ])
      const limits = Object.fromEntries(rules.map(({ name, statement }) => [name, statement.rateBasedStatement]))
      expect(limits['per-address']).toEqual({ limit: 60_000, evaluationWindowSec: 60, aggregateKeyType: 'IP' })
      expect(limits['per-process']).toMatchObject({
        limit: 30_000,
        evaluationWindowSec: 60,
        aggregateKeyType: 'CUSTOM_KEYS',
        customKeys: [{ queryArgument: { name: 'process-id' } }],
      })
      expect(limits['per-path']).toMatchObject({
        limit: 30_000,
        customKeys: [{ uriPath: {} }],
        scopeDownStatement: { regexMatchStatement: {} },
      })
    },
  )

  it('answers with 429, when to ask again, and JSON that a browser may read', () => {
    for (const { inputs } of firewalls) {
      const [body] = inputs.customResponseBodies as { key: string; contentType: string; content: string }[]
      expect(body?.contentType).toBe('APPLICATION_JSON')
      expect(JSON.parse(body?.content ?? '')).toEqual({ error: expect.any(String), code: 'too-many-requests' })
      const refusals = (inputs.rules as { action: { block?: { customResponse: object } } }[]).flatMap(
        ({ action }) => action.block?.customResponse ?? [],
      )
      expect(refusals.length).toBe(3)
      for (const refusal of refusals) {
        expect(refusal).toEqual({
          responseCode: 429,
          customResponseBodyKey: body?.key,
          responseHeaders: expect.arrayContaining([
            { name: 'retry-after', value: '60' },
            { name: 'access-control-allow-origin', value: '*' },
            { name: 'cache-control', value: 'no-store' },
          ]),
        })
      }
    }
  })

  it('knows the exempt addresses, each version by itself', () => {
    for (const { name, inputs } of ofType(graph, 'wafv2:IpSet')) {
      expect(inputs.addresses).toEqual(name.endsWith('IPV4') ? ['192.0.2.7/32', '198.51.100.0/24'] : ['2001:db8::/32'])
    }
    expect(ofType(graph, 'wafv2:IpSet').length).toBe(2 * firewalls.length)
    expect(ofType(graphOf('prod'), 'wafv2:IpSet')).toEqual([])
  })

  it('counts what names an id in its path', () => {
    const [firewall] = firewalls
    const pattern = JSON.stringify(firewall?.inputs.rules).match(/"regexString":"([^"]+)"/)?.[1] ?? ''
    const id = 'Y4KzzIgUErd7_K7tAmABwA2eMCXmbCD25-kvB5hRRig'
    for (const path of [`/${id}`, `/${id}/latest`, `/processes/${id}`]) expect(path).toMatch(new RegExp(pattern))
    for (const path of ['/', '/timestamp', '/health', `/${id}x`]) expect(path).not.toMatch(new RegExp(pattern))
  })
})
