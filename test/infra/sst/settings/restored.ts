/** A kept stage that may be removed now, on tables that came back from a backup: in place of infra/settings.ts. */
import type { AllChoices } from '../../../../infra/stage.ts'

export const appName = 'ao-su'

export const choices: AllChoices = {
  everywhere: {
    regions: ['us-east-1'],
    variables: { GATEWAY_URL: 'https://gateway.example', UPLOAD_NODE_URL: 'https://bundler.example' },
    database: 'none',
  },
  stages: {
    prod: {
      kept: true,
      removable: true,
      existingTables: { 'us-east-1': { heads: 'restored-heads', records: 'restored-records', ids: 'restored-ids' } },
      secretsGeneration: 2,
    },
  },
}
