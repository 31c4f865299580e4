/** Each minute: the network's block height into the row that instances read. */

import { systemClock } from '../core/ports/clock.ts'
import { recordHeight } from '../core/schedule/network-height.ts'
import { createHeightStore } from '../db/dynamodb/height-store.ts'
import { createGateway } from '../network/gateway.ts'
import { parseHeightConfig } from './config/functions.ts'
import { createLogger } from './telemetry/logger.ts'
import { openHeads } from './wiring/log.ts'

const { logging, heads, network } = parseHeightConfig(process.env)
const logger = createLogger(logging, { service: 'height' })
const store = createHeightStore(openHeads(heads))
const gateway = createGateway({ ...network, graphqlUrl: network.arweaveUrl, bootUrls: [], maxDataBytes: 0 })

export const handler = async (): Promise<void> => {
  const height = await recordHeight(store, gateway, systemClock)
  logger.debug({ height }, 'height')
}
