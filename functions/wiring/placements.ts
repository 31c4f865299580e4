/** Placements from configuration: the router's table of them, and what a unit asks of it. */
import { createOwnPlacement } from '../../core/placement/claim.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { alone, type OwnPlacement } from '../../core/ports/own-placement.ts'
import type { PlacementStore } from '../../core/ports/placement-store.ts'
import { createDynamoDbClient } from '../../db/dynamodb/client.ts'
import { createPlacementStore } from '../../db/dynamodb/placement-store.ts'
import { createRouterCheck } from '../../network/router-check.ts'
import type { OwnPlacementConfig, PlacementTable } from '../config/placements.ts'

/** Written in the home region, glanced at in the own one. */
export function openPlacements({ table, homeRegion, ownRegion, endpoint }: PlacementTable): PlacementStore {
  const home = createDynamoDbClient({ region: homeRegion, endpoint })
  const near = homeRegion === ownRegion ? home : createDynamoDbClient({ region: ownRegion, endpoint })
  return createPlacementStore({ home, near, table })
}

/** What a unit asks before it takes a spawn: the home table, or a router; nobody where it is alone. */
export function openOwnPlacement(config: OwnPlacementConfig | undefined, clock: Clock): OwnPlacement {
  switch (config?.kind) {
    case undefined:
      return alone
    case 'table':
      return createOwnPlacement({ store: openPlacements(config), ownUrl: config.ownUrl, clock })
    case 'router':
      return createRouterCheck(config)
  }
}
