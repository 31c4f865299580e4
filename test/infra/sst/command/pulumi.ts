/**
 * In place of Pulumi's own command: `sst` calls it with the program that it has made of sst.config.ts. That program is run, on the mocks of
 * mocks.ts, and what Pulumi would say of it (its event log, its checkpoint) is written where `sst` looks for it.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Pulumi, record } from '../mocks.ts'

const VERSION = 'v3.215.0'
const [command, ...rest] = process.argv.slice(2)
const option = (name: string): string => {
  const at = rest.indexOf(name)
  const value = rest[at + 1]
  if (at < 0 || value === undefined)
    throw new Error(`The stand-in for pulumi was called without ${name}: ${process.argv.join(' ')}`)
  return value
}

const statePath = (stack: string): string => {
  const [, project = '', stage = ''] = stack.split('/')
  const dir = join(process.cwd(), '.pulumi/stacks', project)
  mkdirSync(dir, { recursive: true })
  return join(dir, `${stage}.json`)
}

const checkpoint = (stack: string, resources: unknown[]): string =>
  JSON.stringify({
    version: 3,
    checkpoint: {
      stack,
      latest: { manifest: { time: new Date().toISOString(), magic: '', version: VERSION }, resources, metadata: {} },
    },
  })

switch (command) {
  case 'version':
    process.stdout.write(`${VERSION}\n`)
    break
  case 'stack': {
    const stack = rest.find((word) => word.startsWith('organization/')) ?? ''
    writeFileSync(statePath(stack), checkpoint(stack, []))
    break
  }
  case 'preview':
  case 'up':
    await runProgram(command === 'up')
    break
  default:
    throw new Error(`The stand-in for pulumi does not know ${process.argv.join(' ')}`)
}

async function runProgram(deploys: boolean): Promise<void> {
  const home = process.cwd()
  const stack = option('--stack')
  const [, name = '', stage = ''] = stack.split('/')
  const main = /^main: (.*)$/m.exec(readFileSync('Pulumi.yaml', 'utf8'))?.[1] ?? ''
  const config = Object.fromEntries(
    rest.flatMap((word, at) => (word === '--config' ? [(rest[at + 1] ?? '').split(/=(.*)/s).slice(0, 2)] : [])),
  ) as Record<string, string>
  Object.assign(process.env, {
    PULUMI_CONFIG: JSON.stringify(config),
    PULUMI_NODEJS_PROJECT: name,
    PULUMI_NODEJS_STACK: stage,
  })
  const load = createRequire(join(dirname(main), 'package.json'))
  const pulumi = load('@pulumi/pulumi') as {
    runtime: Pick<Pulumi['runtime'], 'setMocks'> & {
      runInPulumiStack(program: () => Promise<unknown>): Promise<unknown>
      disconnect(): Promise<void>
    }
  }
  const { getMonitor } = load('@pulumi/pulumi/runtime/settings') as Pick<Pulumi['runtime'], 'getMonitor'>
  const { deserializeProperties } = load('@pulumi/pulumi/runtime/rpc') as Pick<
    Pulumi['runtime'],
    'deserializeProperties'
  >
  const { setMocks, runInPulumiStack, disconnect } = pulumi.runtime
  const recorded = record(
    { runtime: { setMocks, getMonitor, deserializeProperties } },
    { name, stage },
    config['aws:region'] ?? '',
  )

  const events = option('--event-log')
  let sequence = 0
  const emit = (event: object): void =>
    appendFileSync(
      events,
      `${JSON.stringify({ sequence: sequence++, timestamp: Math.floor(Date.now() / 1000), ...event })}\n`,
    )
  const failed = new Promise<never>((_, reject) => {
    process.on('unhandledRejection', reject)
    process.on('uncaughtException', reject)
  })
  const program = async (): Promise<void> => {
    await runInPulumiStack(async () => ((await import(pathToFileURL(main).href)) as { default: unknown }).default)
    await disconnect()
  }
  try {
    await Promise.race([program(), failed])
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    emit({ diagnosticEvent: { urn: '', message, color: 'never', severity: 'error' } })
    process.exitCode = 1
  }
  const states = recorded.resources
    .filter(({ urn }) => urn !== '')
    .map(({ urn, type, parent, inputs }) => {
      const isStack = type === 'pulumi:pulumi:Stack'
      return {
        urn,
        type,
        custom: false,
        id: '',
        parent: parent ?? '',
        inputs,
        outputs: isStack ? recorded.outputs : inputs,
        provider: '',
      }
    })
  for (const state of states) {
    const metadata = {
      op: 'create',
      urn: state.urn,
      type: state.type,
      old: null,
      new: state,
      keys: null,
      diffs: null,
      detailedDiff: null,
      logical: true,
      provider: '',
    }
    emit({ resOutputsEvent: { metadata, planning: !deploys } })
  }
  emit({
    summaryEvent: {
      maybeCorrupt: false,
      durationSeconds: 1,
      resourceChanges: { create: states.length },
      PolicyPacks: null,
    },
  })
  if (deploys && process.exitCode !== 1) {
    const now = new Date().toISOString()
    const kept = states.filter(({ type }) => type === 'pulumi:pulumi:Stack' || type.startsWith('sst:'))
    process.chdir(home)
    writeFileSync(
      statePath(stack),
      checkpoint(
        stack,
        kept.map((state) => ({ ...state, created: now, modified: now })),
      ),
    )
  }
  process.exit()
}
