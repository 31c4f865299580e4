/** Two regions behind a router, with everything that can be chosen: in place of infra/settings.ts. */
import type { AllChoices, Choices } from '../../../../infra/stage.ts'

export const appName = 'ao-su'

const names = (stage: string): Choices => ({
  domains: {
    router: `router.${stage}.example`,
    units: { 'us-east-1': `use1.${stage}.example`, 'eu-west-1': `euw1.${stage}.example` },
  },
})

export const choices: AllChoices = {
  everywhere: {
    regions: ['us-east-1', 'eu-west-1'],
    variables: {
      GATEWAY_URL: 'https://gateway.example',
      UPLOAD_NODE_URL: 'https://bundler.example',
      RETRY_WINDOW: '600',
    },
    database: 'with replica',
  },
  stages: {
    prod: {
      ...names('prod'),
      kept: true,
      alarms: true,
      alarmsTo: 'operator@example.org',
      budget: 300,
      reserveConcurrency: true,
      logDays: 30,
      firewall: { perAddress: 60_000, perProcess: 30_000, exempt: ['192.0.2.7', '198.51.100.0/24', '2001:db8::/32'] },
      migrationSource: true,
      migrationNetwork: { 'us-east-1': { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-11111111'] } },
      secretsGeneration: 2,
      secretsTransition: true,
      warmThroughput: { records: { reads: 12_000, writes: 20_000 } },
    },
    alice: names('alice'),
  },
}
