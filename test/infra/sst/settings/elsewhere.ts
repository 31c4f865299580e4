/** One region that is not CloudFront's own, on managed instances, without a database: in place of infra/settings.ts. */
import type { AllChoices } from '../../../../infra/stage.ts'

export const appName = 'ao-su'

export const choices: AllChoices = {
  everywhere: {
    regions: ['eu-west-1'],
    variables: { GATEWAY_URL: 'https://gateway.example', UPLOAD_NODE_URL: 'https://bundler.example' },
    database: 'none',
  },
  stages: {
    prod: {
      kept: true,
      alarms: true,
      alarmsTo: 'operator@example.org',
      reserveConcurrency: true,
      firewall: { perAddress: 1_000, perProcess: 500, exempt: [] },
      managedInstances: { 'eu-west-1': { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-11111111'] } },
    },
  },
}
