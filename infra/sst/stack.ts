/** Everything that a stage has: a unit in each region, the router where there is one, and who watches them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Settings } from '../stage.ts'
import { countInLogs, createAlarms, createTopics } from './alarms.ts'
import { createBudget } from './budget.ts'
import { buildBundles } from './bundles.ts'
import { createCdnPolicies } from './cdn.ts'
import { createDashboard } from './dashboard.ts'
import { assertRead } from './environment.ts'
import { physicalOf } from './names.ts'
import { createPlaces, type Place } from './places.ts'
import { preflight } from './preflight.ts'
import { createPlacements, createRouter, type Router } from './router.ts'
import { createKey, createWallet } from './secrets.ts'
import { createUnit, type Unit } from './unit.ts'

/**
 * Gives what `sst` prints: the addresses, what an operator should know, and for the operator's commands (operator/stage-outputs.ts) the
 * variables of each part, without secrets.
 */
export async function createStack(settings: Settings) {
  assertRead(settings.variables)
  const { regions, domains } = settings
  const places = createPlaces(regions[0])
  const notices = await preflight(settings, places)
  buildBundles()
  const shared = {
    settings,
    places,
    wallet: createWallet(),
    cdnPolicies: createCdnPolicies((name) => physicalOf(name, 128)),
    keyOf: createKeys(settings),
  }
  const placements = domains.router === undefined ? undefined : createPlacements(places, settings)
  const router = domains.router && placements && createRouter(domains.router, shared, placements)
  const units = regions.map((region) =>
    createUnit(places.of(region), { ...shared, placements, router: router ? router.function : undefined }),
  )

  watch(settings, places, router ? [...units, router] : units)
  if (settings.budget !== undefined && settings.alarmsTo !== undefined) createBudget(settings.budget, settings.alarmsTo)
  const outputs = {
    stage: $app.stage,
    url: (router || units[0])?.url,
    units: Object.fromEntries(units.map(({ place, variables }) => [place.region, variables])),
    distributions: [...units, ...(router ? [router] : [])].map(({ distribution }) => distribution),
    mig: Object.fromEntries(units.map(({ place, mig }) => [place.region, mig])),
    ...(router && { router: router.variables, migPlacements: router.migPlacements }),
    ...(notices.length > 0 && { notices }),
  }
  keepOutputs(outputs)
  return outputs
}

/** A key for each region of a kept stage. */
function createKeys({ kept }: Settings): (place: Place) => aws.kms.Key | undefined {
  const keys = new Map<string, aws.kms.Key>()
  return (place) => {
    if (!kept) return undefined
    const key = keys.get(place.region) ?? createKey(place)
    keys.set(place.region, key)
    return key
  }
}

/**
 * Writes the outputs of a deploy into a file of the stage's own when all of them are known. `sst` writes its outputs.json again with
 * whatever command is run, of whatever stage, whether it succeeds or not.
 */
function keepOutputs(outputs: Record<string, unknown>): void {
  if (!['deploy', 'dev'].includes($cli.command)) return
  $util.output(outputs).apply((known) => {
    writeFileSync(join($cli.paths.work, `outputs.${$app.stage}.json`), JSON.stringify(known, undefined, 2))
  })
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
