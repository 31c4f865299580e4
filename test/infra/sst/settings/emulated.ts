/** One unit that waits for nothing outside: in place of infra/settings.ts. The tests put addresses of stand-ins in these places. */
import type { AllChoices } from '../../../../infra/stage.ts'

export const appName = 'ao-su'

const STAND_IN = 'http://127.0.0.1:9'

export const choices: AllChoices = {
  everywhere: {
    regions: ['us-east-1'],
    variables: { GATEWAY_URL: STAND_IN, ARWEAVE_URL_LIST: STAND_IN, UPLOAD_NODE_URL: STAND_IN, CACHE_URL: 'none' },
    database: 'none',
  },
  stages: { prod: { kept: true } },
}
