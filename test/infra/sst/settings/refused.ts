/** Stages that a deploy refuses before it makes anything: in place of infra/settings.ts. What AWS answers is in mocks.ts. */
import type { AllChoices } from '../../../../infra/stage.ts'

export const appName = 'ao-su'

export const choices: AllChoices = {
  everywhere: {
    regions: ['us-east-1'],
    variables: { GATEWAY_URL: 'https://gateway.example', UPLOAD_NODE_URL: 'https://bundler.example' },
    database: 'none',
    kept: true,
  },
  stages: {
    newcomer: { regions: ['eu-west-3'], reserveConcurrency: true },
    restored: { existingTables: { 'us-east-1': { heads: 'bare-heads' } } },
    misnamed: { existingTables: { 'us-east-1': { placements: 'restored-placements' } } },
  },
}
