/** Brings in what another system has: `npm run mig -- help`. */
import { parseMigConfig, parseMigPlacementsConfig } from '../functions/config/functions.ts'
import { createPlacementsParts } from '../functions/mig/placements-parts.ts'
import { createMessagesParts } from '../functions/wiring/migration.ts'
import { createOldUnit } from '../network/old-unit.ts'
import { openEnvironments, sourcesOf } from './environments.ts'
import { run } from './mig/run.ts'
import { readPlace } from './place.ts'

const own = { ...process.env }
const { place, rest } = readPlace(process.argv.slice(2))
const environments = openEnvironments(own, place)

/** AWS's clients read theirs (region, credentials) from the process's environment. */
const use = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => {
  Object.assign(process.env, env)
  return env
}

process.exitCode = await run(rest, {
  placements: () => createPlacementsParts(parseMigPlacementsConfig(use(environments.router()))),
  messages: (where) => createMessagesParts(parseMigConfig(use({ ...environments.unit(where), ...sourcesOf(own) }))),
  oldUnit: (url) => createOldUnit({ url }),
  print: (line) => {
    process.stdout.write(`${line}\n`)
  },
  warn: (text) => {
    process.stderr.write(text)
  },
  terminal: process.stderr.isTTY,
  interruption() {
    const controller = new AbortController()
    process.once('SIGINT', () => controller.abort())
    return controller.signal
  },
  hint: environments.hint,
})
