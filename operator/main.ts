/** The operator's command: `npm run su -- help`. */
import { systemClock as clock } from '../core/ports/clock.ts'
import { noMeter } from '../core/ports/meter.ts'
import { parseRelayConfig } from '../functions/config/functions.ts'
import { type Environment, parseConfig } from '../functions/config/parse.ts'
import { placements } from '../functions/config/placements.ts'
import { units } from '../functions/config/units.ts'
import { openPlacements } from '../functions/wiring/placements.ts'
import { createRelayParts } from '../functions/wiring/relay.ts'
import { run } from './run.ts'
import { routerEnvironment, stackEnvironment, unitEnvironment } from './stack-environment.ts'
import { openGateway, openUnit } from './unit-stores.ts'

/** As it was when the command began. */
const own = { ...process.env }
const unitAt = (where: string | undefined): Environment =>
  where === undefined ? stackEnvironment(own) : unitEnvironment(own, where)

/** AWS's clients read their credentials from the process's environment. Regions are each client's own. */
function useCredentials<T extends Environment>(env: T): T {
  for (const [name, value] of Object.entries(env)) if (name.startsWith('AWS_')) process.env[name] ??= value
  return env
}

process.exitCode = await run(process.argv.slice(2), {
  uploads() {
    Object.assign(process.env, stackEnvironment(process.env))
    // What the relay would log, the command prints.
    return createRelayParts(parseRelayConfig(process.env), { meter: noMeter, log: { warn() {} } })
  },
  placements: () => openPlacements(parseConfig(useCredentials(routerEnvironment(own)), { placements }).placements),
  listedUnits() {
    const env = routerEnvironment(own)
    const listed = env.SCHEDULER_LIST !== undefined || env.SCHEDULER_LIST_PATH !== undefined
    return listed ? parseConfig(env, { units }).units : []
  },
  unit: (where) => openUnit(useCredentials(unitAt(where))),
  gateway: (where) => openGateway(unitAt(where)),
  clock,
  print: (line) => {
    process.stdout.write(`${line}\n`)
  },
  complain: (line) => {
    process.stderr.write(`${line}\n`)
  },
})
