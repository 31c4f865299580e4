/** The operator's command: `npm run su -- help`. */
import { openEnvironments } from './environments.ts'
import { readPlace } from './place.ts'
import { run } from './run.ts'
import { createWorkplace } from './workplace.ts'

const { place, rest } = readPlace(process.argv.slice(2))
const environments = openEnvironments({ ...process.env }, place)
process.exitCode = await run(rest, createWorkplace(environments))
