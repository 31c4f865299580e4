/**
 * AWS WAF before a CDN: who asks more often than infra/stage.ts allows is answered with 429 until it is less. A message's process is in
 * its body, where no firewall looks: a process that is busier than one log can be is refused by the unit itself.
 */
import type { Firewall } from '../stage.ts'
import { logicalOf, physicalOf } from './names.ts'
import type { Place } from './places.ts'

/** Over which requests are counted, s. */
const WINDOW = 60

/** An answer as the functions give them (functions/http/errors.ts), for browsers too. */
const TOO_MANY = {
  key: 'too-many-requests',
  error: 'Too many requests: ask again in a minute',
  code: 'too-many-requests',
}
const HEADERS = {
  'retry-after': String(WINDOW),
  'cache-control': 'no-store',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
}

/** @param name whose it is: `su-us-east-1` @param edge us-east-1, where CloudFront has its firewalls */
export function createFirewall(
  name: string,
  edge: Place,
  { perAddress, perProcess, exempt }: Firewall,
): aws.wafv2.WebAcl {
  const logical = logicalOf(name)
  const exemptSets = (['IPV4', 'IPV6'] as const).flatMap((version) => {
    const addresses = exempt.filter((range) => range.includes(':') === (version === 'IPV6')).map(rangeOf)
    if (addresses.length === 0) return []
    const set = new aws.wafv2.IpSet(
      `${logical}Exempt${version}`,
      {
        name: physicalOf(`${name}-exempt-${version.toLowerCase()}`, 128),
        scope: 'CLOUDFRONT',
        ipAddressVersion: version,
        addresses,
      },
      edge.options,
    )
    return [
      {
        name: `exempt-${version.toLowerCase()}`,
        action: { allow: {} },
        statement: { ipSetReferenceStatement: { arn: set.arn } },
      },
    ]
  })
  const limits = [
    {
      name: 'per-address',
      action: refusal,
      statement: { rateBasedStatement: { ...within(perAddress), aggregateKeyType: 'IP' } },
    },
    {
      name: 'per-process',
      action: refusal,
      statement: {
        rateBasedStatement: {
          ...within(perProcess),
          aggregateKeyType: 'CUSTOM_KEYS',
          customKeys: [{ queryArgument: { name: 'process-id', textTransformations: asItIs } }],
        },
      },
    },
    {
      name: 'per-path',
      action: refusal,
      statement: {
        rateBasedStatement: {
          ...within(perProcess),
          aggregateKeyType: 'CUSTOM_KEYS',
          customKeys: [{ uriPath: { textTransformations: asItIs } }],
          scopeDownStatement: namesAnId,
        },
      },
    },
  ]
  return new aws.wafv2.WebAcl(
    `${logical}Firewall`,
    {
      name: physicalOf(name, 128),
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      customResponseBodies: [
        {
          key: TOO_MANY.key,
          contentType: 'APPLICATION_JSON',
          content: JSON.stringify({ error: TOO_MANY.error, code: TOO_MANY.code }),
        },
      ],
      rules: [...exemptSets, ...limits].map((rule, priority) => ({
        ...rule,
        priority,
        visibilityConfig: seenAs(rule.name),
      })),
      // By this name CloudWatch knows the firewall.
      visibilityConfig: seenAs(physicalOf(name, 128)),
    },
    edge.options,
  )
}

const within = (limit: number) => ({ limit, evaluationWindowSec: WINDOW })
const asItIs = [{ priority: 0, type: 'NONE' }]
const seenAs = (metricName: string) => ({ metricName, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true })

/** A single address is a range of one. */
const rangeOf = (range: string): string => (range.includes('/') ? range : `${range}/${range.includes(':') ? 128 : 32}`)

/** `/{id}`, `/{id}/latest`, `/processes/{id}`. */
const namesAnId = {
  regexMatchStatement: {
    regexString: '^/(processes/)?[A-Za-z0-9_-]{43}(/latest)?$',
    fieldToMatch: { uriPath: {} },
    textTransformations: asItIs,
  },
}

const refusal = {
  block: {
    customResponse: {
      responseCode: 429,
      customResponseBodyKey: TOO_MANY.key,
      responseHeaders: Object.entries(HEADERS).map(([name, value]) => ({ name, value })),
    },
  },
}
