/** Brings in what another system has: `npm run mig -- help`. */
import { parseMigConfig } from '../functions/config/functions.ts'
import { createMigParts } from '../functions/mig/parts.ts'
import { run } from './mig/run.ts'
import { routerEnvironment } from './stack-environment.ts'

process.exitCode = await run(process.argv.slice(2), {
  parts() {
    // AWS's clients read theirs (region, credentials) from the process's environment.
    Object.assign(process.env, routerEnvironment(process.env))
    return createMigParts(parseMigConfig(process.env))
  },
  print: (line) => {
    process.stdout.write(`${line}\n`)
  },
  warn: (text) => {
    process.stderr.write(text)
  },
  terminal: process.stderr.isTTY,
})
