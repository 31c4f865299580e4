/**
 * `npm start`: the scheduler unit and everything it needs, in one command; with --regions several units behind a router, with
 * MODE=router a router in front of units that run elsewhere.
 *
 *   node local/start.ts [--regions N] [--fresh] [--watch] [--help]
 */
import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { endBuilder } from '../infra/build.ts'
import { createLogFormat, type StackLog, secondsSince } from './log.ts'
import { checkVariables, help, parseOptions, type StackOptions } from './options.ts'
import { watchNpm } from './processes/ancestors.ts'
import { StateDirInUse } from './processes/keeper.ts'
import { startRegions } from './regions.ts'
import { startRouterAlone } from './router.ts'
import { startStack } from './stack.ts'
import { StartError } from './start-error.ts'
import { nextCommand } from './summary.ts'
import { misspelt } from './variable-names.ts'

const began = performance.now()

/** A closed pipe must not end the stack. */
process.stdout.on('error', () => {})
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** What every setup has when it is up. */
interface Started {
  url: string
  summary: readonly string[]
  broken: Promise<string>
  stop(): Promise<void>
}

const startAll = (options: StackOptions, log: StackLog): Promise<Started> => {
  const { setup } = options
  switch (setup.kind) {
    case 'unit':
      return startStack(options, log)
    case 'router':
      return startRouterAlone(options, log)
    case 'regions':
      return startRegions(options, setup.count, log)
  }
}

const announcement = ({ setup: { kind }, port }: StackOptions): string => {
  const what = {
    unit: 'a scheduler unit',
    regions: 'a router and the units behind it; the router is',
    router: 'a router',
  }[kind]
  const where = port === 0 ? 'at any free port' : `at http://127.0.0.1:${port}`
  const steps = kind === 'router' ? 'DynamoDB Local' : 'DynamoDB Local, S3, Postgres and stand-ins for Arweave'
  return `Starting ${what} ${where}: builds the functions, starts ${steps}. The first start takes longer.`
}

const main = async (): Promise<void> => {
  const file = existsSync('.env') ? parseEnv(readFileSync('.env', 'utf8')) : {}
  if (existsSync('.env')) process.loadEnvFile('.env')
  const options = parseOptions(process.env, process.argv.slice(2))
  checkVariables(options)
  const format = createLogFormat(process.stdout.isTTY)
  for (const sentence of misspelt(process.env, file)) say(`WARNING          ${sentence}`)
  say(announcement(options))
  const ending = Promise.withResolvers<string>()
  let interrupts = 0
  let running = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      ending.resolve('Stopping')
      // Asked twice, or before it runs, it goes at once, and the reaper ends the rest.
      if (++interrupts > 1 || !running) process.exit(1)
    })
  }
  if (process.env.npm_lifecycle_event) watchNpm(() => ending.resolve('npm has ended: stopping'))

  const stack = await startAll(options, {
    note: (message) => say(`stack            ${message}`),
    line: (source, line) => {
      const formatted = format(source, line)
      if (formatted !== undefined) say(formatted)
    },
  })
  if (!options.watch) await endBuilder()
  running = true
  for (const line of stack.summary) say(line)
  say(`Ready in ${secondsSince(began)}. Ctrl-C stops it. Now, in another terminal:`)
  say(`  ${nextCommand(stack.url, options)}`)
  const end = await Promise.race([
    ending.promise.then((reason) => ({ reason, exitCode: 0 })),
    stack.broken.then((reason) => ({ reason, exitCode: 1 })),
  ])
  say(end.reason)
  process.exitCode = end.exitCode
  await stack.stop()
}

try {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) say(help)
  else await main()
} catch (error) {
  const known = error instanceof StartError || error instanceof StateDirInUse
  process.stderr.write(`${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : error}\n`)
  process.exitCode = 1
}
process.exit()
