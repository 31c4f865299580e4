/** Everything that a stage has: a unit in each region, the router where there is one, and who watches them. */
import type { Settings } from '../stage.ts'
import { countInLogs, createAlarms, createTopics } from './alarms.ts'
import { createBudget } from './budget.ts'
import { buildBundles } from './bundles.ts'
import { createCachePolicy } from './cdn.ts'
import { createDashboard } from './dashboard.ts'
import { assertRead } from './environment.ts'
import { physicalOf } from './names.ts'
import { createPlaces } from './places.ts'
import { createPlacements, createRouter, type Router } from './router.ts'
import { createWallet } from './secrets.ts'
import { createUnit, type Unit } from './unit.ts'

/**
 * Gives what `sst` prints, and writes into .sst/outputs.json: the addresses, and for an operator's commands
 * (operator/stage-outputs.ts) the variables of each part, without secrets.
 */
export function createStack(settings: Settings) {
  assertRead(settings.variables)
  buildBundles()
  const { regions, domains } = settings
  const places = createPlaces(regions[0])
  const shared = {
    settings,
    places,
    wallet: createWallet(),
    cachePolicy: createCachePolicy(physicalOf('as-the-answer-says', 128)),
  }
  const placements = domains.router === undefined ? undefined : createPlacements(places, settings)
  const units = regions.map((region) => createUnit(places.of(region), { ...shared, placements }))
  const router = domains.router && placements && createRouter(domains.router, shared, placements)

  watch(settings, places, router ? [...units, router] : units)
  if (settings.budget !== undefined && settings.alarmsTo !== undefined) createBudget(settings.budget, settings.alarmsTo)
  return {
    stage: $app.stage,
    url: (router || units[0])?.url,
    units: Object.fromEntries(units.map(({ place, variables }) => [place.region, variables])),
    mig: Object.fromEntries(units.map(({ place, mig }) => [place.region, mig])),
    ...(router && { router: router.variables, migPlacements: router.migPlacements }),
  }
}

function watch(
  { alarms, alarmsTo }: Settings,
  places: ReturnType<typeof createPlaces>,
  parts: readonly (Unit | Router)[],
): void {
  if (!alarms) return
  const topics = createTopics(alarmsTo)
  for (const part of parts) {
    const options = { place: part.place, places, topics, watchable: part.watchable }
    countInLogs(part.alarms, options)
    createAlarms(part.alarms, options)
  }
  createDashboard(
    parts.map(({ place, watchable, alarms: watched }) => ({
      title: 'router' in watchable.functions ? 'Router' : `Unit in ${place.region}`,
      alarms: watched,
      options: { place, places, watchable },
    })),
  )
}
