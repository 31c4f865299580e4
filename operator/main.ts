/** The operator's command: `npm run su -- help`. */
import { noMeter } from '../core/ports/meter.ts'
import { parseRelayConfig } from '../functions/config/functions.ts'
import { createRelayParts } from '../functions/wiring/relay.ts'
import { run } from './run.ts'
import { stackEnvironment } from './stack-environment.ts'

process.exitCode = await run(process.argv.slice(2), {
  uploads() {
    // AWS's clients read theirs (region, credentials) from the process's environment.
    Object.assign(process.env, stackEnvironment(process.env))
    // What the relay would log, the command prints.
    return createRelayParts(parseRelayConfig(process.env), { meter: noMeter, log: { warn() {} } })
  },
  print: (line) => {
    process.stdout.write(`${line}\n`)
  },
  complain: (line) => {
    process.stderr.write(`${line}\n`)
  },
})
