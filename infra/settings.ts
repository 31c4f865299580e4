/**
 * What an operator chooses: for every stage, and for some of them something else. Each setting is described in infra/stage.ts,
 * variables in docs/configuration.md. Secrets are not kept here: docs/deploy.md.
 */
import type { AllChoices } from './stage.ts'

/** Begins the name of everything that is deployed. Another one is another deployment, so it stays as it is. */
export const appName = 'ao-su'

export const choices: AllChoices = {
  everywhere: {
    regions: ['us-east-1'],
    variables: {
      GATEWAY_URL: 'https://arweave.net',
      UPLOAD_NODE_URL: 'https://up.arweave.net',
    },
  },
  stages: {
    prod: {
      kept: true,
      alarms: true,
      // When the account has a limit of 1,000 concurrent executions or more (docs/deploy.md, "Quotas").
      // reserveConcurrency: true,
      logDays: 30,
      // A thousand a second from one address, half of that for one process: far more than a busy messenger unit sends.
      firewall: { perAddress: 60_000, perProcess: 30_000, exempt: [] },
      // domains: { router: 'su-router.example', units: { 'us-east-1': 'su-1.example' } },
      // alarmsTo: 'operator@example.org',
      // budget: 300,
    },
  },
}
