/** Where the variables of units and router come from: the local stack, a deployed stage, or the environment of the command. */
import { SchedulerError } from '../core/errors.ts'
import { UsageError } from './command.ts'
import type { Place } from './place.ts'
import { onlyUnitEnvironment, routerEnvironment, runningUnits, unitEnvironment } from './stack-environment.ts'
import { readStageOutputs, type StageOutputs } from './stage-outputs.ts'

export interface Environments {
  /** @param where which unit; none: the one that was chosen, or the only one. Fails with UsageError where that says nothing. */
  unit(where?: string): NodeJS.ProcessEnv
  /** Any unit, where all are alike. */
  anyUnit(where?: string): NodeJS.ProcessEnv
  /** The router's, or the only unit's. */
  router(): NodeJS.ProcessEnv
  /** The address by which clients find all of it, where that is known. */
  address(): string | undefined
  /** CloudFront's ids of the CDNs in front of all of it; none of a local stack. */
  distributions(): readonly string[]
  /** What to look at where a variable is missing. */
  hint: string
}

/** @param own the environment of the command. Nothing is read before it is asked for. */
export const openEnvironments = (own: NodeJS.ProcessEnv, place: Place, outputsDir?: string): Environments =>
  place.stage === undefined ? ofLocalStack(own, place.region) : ofStage(own, place.stage, place.region, outputsDir)

function ofLocalStack(own: NodeJS.ProcessEnv, region: string | undefined): Environments {
  const local = () => {
    if (region === undefined) return own
    throw new UsageError('--region is for a stage: --stage NAME --region REGION.')
  }
  const unit = (where?: string) => {
    const env = local()
    // The wallet is all units' own.
    return where === undefined ? onlyUnitEnvironment(env) : { ...walletOf(env), ...unitEnvironment(env, where) }
  }
  return {
    unit,
    anyUnit: (where) => unit(where ?? (own.HEADS_TABLE === undefined ? runningUnits(own)[0] : undefined)),
    router: () => routerEnvironment(local()),
    address: () => routerEnvironment(local()).URL,
    distributions: () => [],
    hint: 'Is the local stack running? It writes env.json.',
  }
}

function ofStage(
  own: NodeJS.ProcessEnv,
  stage: string,
  region: string | undefined,
  dir: string | undefined,
): Environments {
  let known: StageOutputs | undefined
  const outputs = (): StageOutputs => {
    known ??= readStageOutputs(stage, dir)
    return known
  }
  const unit = (where = region) => {
    const { units } = outputs()
    const regions = Object.keys(units)
    const named = where ?? (regions.length === 1 ? regions[0] : undefined)
    if (named === undefined) throw new UsageError(`Say which unit: --region ${regions.join(' or --region ')}.`)
    if (Object.hasOwn(units, named)) return { ...secretsOf(own), ...units[named] }
    if (named === region)
      throw new UsageError(`The stage ${stage} has no unit in ${named}, only in ${regions.join(', ')}.`)
    return unitEnvironment(own, named)
  }
  return {
    unit,
    anyUnit: (where) => unit(where ?? region ?? Object.keys(outputs().units)[0]),
    router() {
      const { router } = outputs()
      if (router) return { ...secretsOf(own), ...router }
      throw new SchedulerError('invalid-request', `The stage ${stage} has no router, and no placements.`)
    },
    address: () => outputs().url,
    distributions: () => outputs().distributions,
    hint: `Secrets are not kept with the stage ${stage}: give them to this command as variables.`,
  }
}

/** What a deployed stage's outputs do not have, and a command may need. */
const SECRETS = ['SU_WALLET', 'SU_WALLET_PATH', 'DATABASE_URL', 'DATABASE_READ_URL']
const WALLET = ['SU_WALLET', 'SU_WALLET_PATH']
/** Where another unit's messages are. */
const SOURCES = ['MIGRATION_SOURCE_URL', 'MULTI_TENANT_BASE_CONN', 'MIGRATION_BATCH_SIZE', 'PROCESS_WHITELIST_URL']

const pick = (env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv =>
  Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))

const secretsOf = (env: NodeJS.ProcessEnv) => pick(env, SECRETS)
const walletOf = (env: NodeJS.ProcessEnv) => pick(env, WALLET)

/** What the command's own environment says of where messages are brought in from: no unit's variables need to have it. */
export const sourcesOf = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => pick(env, SOURCES)
