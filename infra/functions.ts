/**
 * The Lambda functions, as plain data: what calls each, how long it may take, how much memory it has. The local stack
 * runs them by this, and infra/sst deploys them by it.
 */
import type { TableName } from './tables.ts'

/** A function URL: one request at a time and instance, or several where the deployment says so. */
export interface HttpTrigger {
  kind: 'http'
  /** Answers are streamed (RESPONSE_STREAM): up to 200 MB instead of 6. */
  streaming: true
}

/** The event source mapping of a table's stream. */
export interface StreamTrigger {
  kind: 'stream'
  table: TableName
  /** Records in a batch at most. */
  batchSize: number
  /** How long a batch that is not full waits for more, s. */
  batchWindow: number
  /** Batches of one shard under way at once; what happens to one key stays in order. */
  parallelization: number
  /** A batch that fails is cut in two, so that one bad record does not hold up the others. */
  bisect: boolean
  /** The function says which records failed: those from the first failed one on come again. */
  reportBatchItemFailures: boolean
  /** Further attempts after the first. What is given up goes to the failure destination. */
  maximumRetryAttempts: number
  /** s */
  maximumRecordAge: number
  /** Records that match any of these are passed on, the others are not. */
  filters: readonly FilterPattern[]
}

/** EventBridge's patterns, as far as they are used: a list of values that a leaf may have. */
export interface FilterPattern {
  readonly [key: string]: FilterPattern | readonly string[]
}

export interface ScheduleTrigger {
  kind: 'schedule'
  /** Time between two calls, s. */
  rate: number
}

/** Called by an operator, by name. */
export interface ManualTrigger {
  kind: 'manual'
  /** Where its time does not do, it calls itself on. */
  callsItself?: true
}

/** Called by each deploy, before what needs it is changed. */
export interface DeployTrigger {
  kind: 'deploy'
}

export interface FunctionSettings {
  /** The module that exports `handler`. */
  entry: string
  /** MB. 1769 is one whole CPU: below that, signing slows with it. */
  memory: number
  /** s */
  timeout: number
  /**
   * Instances at once that are set aside for this function, and the most that it gets, where concurrency is reserved
   * (infra/stage.ts). All of a region's functions together leave 100 of the usual 1,000 to others, as AWS demands.
   */
  reservedConcurrency?: number
  trigger: HttpTrigger | StreamTrigger | ScheduleTrigger | ManualTrigger | DeployTrigger
}

/** Watermarks are rows of the same table: that they move must not call anything. */
const changedHeads = [
  { eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { row: { S: ['head'] } } } },
  { eventName: ['INSERT', 'MODIFY'], dynamodb: { Keys: { row: { S: ['wake'] } } } },
] as const satisfies readonly FilterPattern[]

/** Of each unit. */
export const unitFunctions = {
  /** The scheduler unit itself. */
  su: {
    entry: 'functions/su.ts',
    memory: 1769,
    timeout: 30,
    // A flood of requests must not take what the relay needs to catch up.
    reservedConcurrency: 600,
    trigger: { kind: 'http', streaming: true },
  },
  /** What follows a commit: metadata and uploads. It waits for services, so it is small. */
  relay: {
    entry: 'functions/relay.ts',
    memory: 384,
    timeout: 300,
    // Four for each shard of the stream; a table in trouble has more shards.
    reservedConcurrency: 100,
    trigger: {
      kind: 'stream',
      table: 'heads',
      batchSize: 100,
      // A spawn waits no longer than a second; messages that come meanwhile share its invocation.
      batchWindow: 1,
      parallelization: 4,
      bisect: true,
      reportBatchItemFailures: true,
      // Only a function that fails altogether, or tables that do not answer, bring records again.
      maximumRetryAttempts: 100,
      maximumRecordAge: 3600,
      filters: changedHeads,
    },
  },
  /** Finished history into segments. Nobody waits for it: many messages share an invocation. */
  packer: {
    entry: 'functions/packer.ts',
    memory: 1024,
    timeout: 300,
    reservedConcurrency: 20,
    trigger: {
      kind: 'stream',
      table: 'heads',
      batchSize: 1000,
      batchWindow: 300,
      parallelization: 1,
      bisect: true,
      reportBatchItemFailures: true,
      maximumRetryAttempts: 10,
      maximumRecordAge: 3600,
      filters: changedHeads,
    },
  },
  /** Retries owed parts and wakes processes that are behind. What it reads grows with those, not with idle processes. */
  reconciler: {
    entry: 'functions/reconciler.ts',
    memory: 1024,
    timeout: 300,
    // One at a time: the rate at which owed parts are sent is bounded.
    reservedConcurrency: 1,
    trigger: { kind: 'schedule', rate: 60 },
  },
  /** Writes down the network's height. */
  height: {
    entry: 'functions/height.ts',
    memory: 256,
    timeout: 60,
    reservedConcurrency: 1,
    trigger: { kind: 'schedule', rate: 60 },
  },
  /** Moves in what a Rust unit has, called once or a few times. */
  mig: {
    entry: 'functions/mig.ts',
    memory: 1769,
    timeout: 900,
    trigger: { kind: 'manual', callsItself: true },
  },
} as const satisfies Record<string, FunctionSettings>

/** Of the router in front of the units. */
export const routerFunctions = {
  /** Says which unit has a process, and places new ones. */
  router: {
    entry: 'functions/router.ts',
    memory: 1024,
    timeout: 30,
    reservedConcurrency: 150,
    trigger: { kind: 'http', streaming: true },
  },
  /** Moves in what a Rust router has placed, called once. */
  migPlacements: {
    entry: 'functions/mig-placements.ts',
    memory: 1769,
    timeout: 900,
    trigger: { kind: 'manual' },
  },
} as const satisfies Record<string, FunctionSettings>

/** Of each unit, where it is deployed: a local stack does the same when it starts. */
export const deployFunctions = {
  /** Brings the database's tables up to date. */
  migrate: {
    entry: 'functions/migrate.ts',
    memory: 512,
    timeout: 600,
    trigger: { kind: 'deploy' },
  },
} as const satisfies Record<string, FunctionSettings>

export const functions = { ...unitFunctions, ...routerFunctions, ...deployFunctions }

export type FunctionName = keyof typeof functions
export type UnitFunctionName = keyof typeof unitFunctions
