/** What a command of the operator's is. */
import { parseArgs } from 'node:util'
import { isId } from '../core/ans104/base64url.ts'
import type { Signer } from '../core/ans104/signer.ts'
import type { VerifyDeps } from '../core/audit/verify.ts'
import type { UnitStores } from '../core/placement/move-stores.ts'
import type { UnitSettings } from '../core/placement/units.ts'
import type { Bundler } from '../core/ports/bundler.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { LocationSource } from '../core/ports/location-source.ts'
import type { LocationStore } from '../core/ports/location-store.ts'
import type { PlacementStore } from '../core/ports/placement-store.ts'
import type { RelayStore } from '../core/ports/relay-store.ts'
import type { IndexedNonces } from '../core/ports/restore-sources.ts'
import type { RelayDeps } from '../core/relay/deps.ts'
import type { ReuploadDeps } from '../core/relay/reupload.ts'
import type { RestoreDeps } from '../core/restore/deps.ts'
import type { VerifyDeps as PackingDeps } from '../core/segments/verify.ts'
import type { Progress } from './progress.ts'

/**
 * What commands work on, made when one asks for it: a wrong call opens nothing. `where` names one of several units: the file that
 * holds its environment, the folder of that, or a region; none: the unit that was chosen, or the only one.
 */
export interface Workplace {
  uploads(where?: string): RelayDeps & ReuploadDeps
  segments(where?: string): PackingDeps
  /** The router's table of placements. */
  placements(): PlacementStore
  /** The table of placements that a unit asks; none where it is alone. */
  placementsOf(where?: string): PlacementStore | undefined
  /** The router's list of units; none where this is not known here. */
  listedUnits(): readonly UnitSettings[]
  /** A unit's stores. Fails with `invalid-request` where its log was never begun. */
  unit(where?: string): Promise<UnitStores>
  /** A unit's log, to be verified. Fails likewise. @param uploads whether what was uploaded is looked for */
  audit(options: { where: string | undefined; uploads: boolean }): Promise<AuditParts>
  /** The gateway that this unit asks. */
  gateway(where?: string): Gateway
  /** Where it is said at which address this scheduler is. Fails likewise. */
  location(where?: string): Promise<LocationParts>
  /** A unit's log, and all that it can be completed from. Fails with `invalid-request`, saying what is missing. */
  restore(where?: string): Promise<RestoreDeps>
  /** A unit's log and its index of metadata. Fails with ConfigurationError where it has none. */
  metadata(where?: string): MetadataParts
  /** CloudFront's ids of the CDNs in front of the stage; none where there are none, or they are not known. */
  distributions(): readonly string[]
  clock: Clock
  /** A line of the answer. */
  print(line: string): void
  /** A line about what went wrong. */
  complain(line: string): void
  /** Shows how far it is. @param what is counted: "records" */
  progress(what: string): Progress
  /** From now on whoever waits no longer (Ctrl-C) lets the command come to an end; a second time ends it. */
  interruption(): AbortSignal
  /** What to look at where a variable is missing. */
  hint: string
}

export interface AuditParts extends VerifyDeps {
  relay: Pick<RelayStore, 'progress' | 'scan'>
}

export interface MetadataParts extends Pick<RelayDeps, 'records' | 'blobs' | 'index' | 'clock' | 'store'> {
  nonces: Pick<IndexedNonces, 'counts'>
}

export interface LocationParts {
  /** The address by which clients are to find this stack. */
  address: string
  /** Address of the wallet whose scheduler it is. */
  wallet: string
  source: LocationSource
  bundler(): Bundler
  /** The unit shows what is published here. */
  shown: Pick<LocationStore, 'publish'>
  /** Fails with a ConfigurationError where the wallet is not at hand, with `invalid-request` where it is another one. */
  signer(): Signer
}

/** All is well; something was left undone, and was complained about; the command was called wrongly. */
export const exits = { well: 0, undone: 1, misused: 2 } as const
export type Exit = (typeof exits)[keyof typeof exits]

export interface Command {
  /** How to call it, a line for each way. */
  usage: readonly string[]
  run(args: readonly string[], workplace: Workplace): Promise<Exit>
}

/** The command was called wrongly; the message says what to do. */
export class UsageError extends Error {}

/** One in 64 ids begins with a hyphen, and so may a list of them. */
const looksLikeIds = (arg: string): boolean => /^-[\w-]{42}(,|$)/.test(arg)

/**
 * node:util's parseArgs for flags, options with a value (`--from PLACE` or `--from=PLACE`) and positionals, in any order; its
 * complaints are the caller's mistakes.
 */
export function parse<const T extends Record<string, { type: 'boolean' | 'string' }>>(
  args: readonly string[],
  options: T,
) {
  const flags: string[] = []
  const others: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (!arg.startsWith('-') || looksLikeIds(arg)) others.push(arg)
    else {
      const value = args[index + 1]
      const takesValue = options[arg.slice(2)]?.type === 'string' && value !== undefined
      // Ids and nonces may begin with a hyphen and be meant as values all the same.
      if (takesValue && (looksLikeIds(value) || /^-\d+$/.test(value))) flags.push(`${arg}=${value}`)
      else flags.push(arg, ...(takesValue ? [value] : []))
      if (takesValue) index++
    }
  }
  try {
    return parseArgs({ args: [...flags, '--', ...others], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The id of one process. */
export function processIn(text: string | undefined): string {
  if (text !== undefined && isId(text)) return text
  throw new UsageError('Name a process by its id of 43 characters.')
}

/** Ids of processes, separated by commas. */
export function processesIn(list = ''): string[] {
  const processes = list.split(',').filter((id) => id !== '')
  if (processes.length > 0 && processes.every(isId)) return processes
  throw new UsageError('Name processes by their ids of 43 characters, separated by commas.')
}
