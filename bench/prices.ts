/** AWS's and Neon's prices, dollars: us-east-1, on demand, 2026, without taxes, free tiers and discounts. The pages name the source. */
export const PRICES = {
  region: 'us-east-1',
  year: 2026,
  /** https://aws.amazon.com/dynamodb/pricing/on-demand */
  dynamodb: { writeUnit: 0.625e-6, readUnit: 0.125e-6, storedGb: 0.25, recoveryGb: 0.2 },
  /** https://aws.amazon.com/lambda/pricing, x86 */
  lambda: { gbSecond: 0.0000166667, invocation: 0.2e-6 },
  /** https://aws.amazon.com/s3/pricing */
  s3: { put: 5e-6, get: 0.4e-6, storedGb: 0.023 },
  /** https://aws.amazon.com/cloudfront/pricing, United States and Europe; `originGb` is what clients send through it */
  cdn: { request: 1e-6, outGb: 0.085, originGb: 0.02 },
  /** https://aws.amazon.com/waf/pricing */
  firewall: { acl: 5, rule: 1, request: 0.6e-6 },
  /** https://aws.amazon.com/cloudwatch/pricing */
  cloudwatch: { logGb: 0.5, alarm: 0.1, dashboard: 3, metric: 0.3 },
  /** https://aws.amazon.com/kms/pricing, https://aws.amazon.com/eventbridge/pricing */
  key: 1,
  scheduledCall: 1e-6,
  /** https://aws.amazon.com/ec2/pricing/on-demand, "Data transfer"; the first 100 GB a month are free */
  leavingAwsGb: 0.09,
  /** https://neon.com/pricing, Launch: the smallest compute has a quarter of a unit */
  neon: { unitHour: 0.106, smallest: 0.25, storedGb: 0.35 },
} as const

/** How long a call takes inside a region, ms; what `npm run bench` adds to the local stack's calls. */
export const LATENCY = { dynamodb: 10, s3: 30 } as const

/** What Lambda itself writes into the log for an invocation: START, END and REPORT, bytes. */
export const PLATFORM_LOG_BYTES = 330
