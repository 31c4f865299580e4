/**
 * `npm start`: the scheduler unit and everything it needs, in one command; with --regions several units behind a router, with
 * MODE=router a router in front of units that run elsewhere.
 *
 *   node local/start.ts [--regions N] [--fresh] [--watch]
 */
import { existsSync } from 'node:fs'
import { endBuilder } from '../infra/build.ts'
import { createLogFormat, type StackLog } from './log.ts'
import { parseOptions, type StackOptions, StartError } from './options.ts'
import { watchNpm } from './processes/ancestors.ts'
import { StateDirInUse } from './processes/keeper.ts'
import { startRegions } from './regions.ts'
import { startRouterAlone } from './router.ts'
import { startStack } from './stack.ts'

const began = performance.now()

/** Nobody may be reading any more; what ends this process is told otherwise. */
process.stdout.on('error', () => {})
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** What every setup can do when it is up. */
interface Started {
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
  const what = kind === 'unit' ? 'unit' : 'router'
  return port === 0
    ? `Starting; the ${what} will be at any free port`
    : `Starting; the ${what} will be at http://127.0.0.1:${port}`
}

const main = async (): Promise<void> => {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const options = parseOptions(process.env, process.argv.slice(2))
  const format = createLogFormat(process.stdout.isTTY)
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
  say(`Ready in ${((performance.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops it.`)
  const end = await Promise.race([
    ending.promise.then((reason) => ({ reason, exitCode: 0 })),
    stack.broken.then((reason) => ({ reason, exitCode: 1 })),
  ])
  say(end.reason)
  process.exitCode = end.exitCode
  await stack.stop()
}

try {
  await main()
} catch (error) {
  const known = error instanceof StartError || error instanceof StateDirInUse
  process.stderr.write(`${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : error}\n`)
  process.exitCode = 1
}
process.exit()
