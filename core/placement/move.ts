/**
 * Moves a process from one unit to another. The steps, each of which may be repeated after a crash, by running it all again:
 *
 * 1. copy what the old log has, while it goes on;
 * 2. freeze the old head for the placement's next version: from then on no commit lands there;
 * 3. copy the rest, tell the new relay where to begin, write the new head, frozen for the same version;
 * 4. change the placement, on condition of the version that was read;
 * 5. open the new head, which opens for that version only.
 *
 * Every version of a placement is written once, so of several moves, or a move and its abandoning, one has its way, and the
 * heads of the others stay frozen (`core/ports/log-fence.ts`).
 */
import type { Fault } from '../audit/fault.ts'
import type { Head } from '../log/record.ts'
import type { Clock } from '../ports/clock.ts'
import type { Placement, PlacementStore } from '../ports/placement-store.ts'
import { type CopyDeps, LogCopy, type WithoutDeepHash } from './move-copy.ts'
import { refusal, soundIdentity, type UnitStores } from './move-stores.ts'
import { awaitUploads, carryUploads } from './move-uploads.ts'

export interface MoveDeps {
  placements: PlacementStore
  gateway: CopyDeps['gateway']
  clock: Clock
}

export interface MoveOrder {
  process: string
  from: UnitStores
  to: UnitStores
  /** How long the frozen process waits for the old unit's uploads, ms: those that are not done then are done by both. */
  uploadPatienceMs?: number
  /** Moves a log that is not sound as it is, and tells of it. */
  despiteFaults?: boolean
  onProgress?: (next: number, of: number) => void
}

export interface Moved {
  process: string
  unit: string
  /** Version of its placement now. */
  version: number
  /** First nonce that the new unit gives. */
  next: number
  /** False if the process was open there already: nothing was moved. */
  opened: boolean
  withoutDeepHash: readonly WithoutDeepHash[]
  faults: readonly Fault[]
  /** Records whose upload the old unit had not finished: both do it. */
  uploadsLeft: number
}

const UPLOAD_PATIENCE_MS = 10_000
/** The head is frozen when no more than this is left to be copied (records), or it cannot be caught up with. */
const FEW = 64
const CATCH_UPS = 5

/** Fails with `invalid-request` where a step may not be done, saying why; with `unavailable` where it is to be run again. */
export async function moveProcess(deps: MoveDeps, order: MoveOrder): Promise<Moved> {
  const { placements } = deps
  const { process, from, to } = order
  if (from.url === to.url) throw refusal(`Both are the unit ${to.url}.`)
  await sameWallet(from, to)
  const placement = await placements.read(process)
  if (placement?.unit === to.url && placement.state === 'settled') return arrive(placement, to)
  const standing = placedOn(placement, process, from)
  const version = standing.version + 1

  const before = await departing(from, process, version)
  const target = await to.imports.begin(before)
  if (target.state === 'open') throw refusal(`The process is open on ${to.url} already, and placed on ${from.url}.`)
  if ((target.awaits ?? 0) > version)
    throw refusal(`A later move of the process brought it to ${to.url}: run it again.`)
  const { copy, head } = await copyAndFreeze(deps, order, before, version)
  if (target.next > head.next) {
    throw refusal(`${to.url} has ${target.next} nonces of the process, ${from.url} only ${head.next}.`)
  }

  const patienceMs = order.uploadPatienceMs ?? UPLOAD_PATIENCE_MS
  const uploadsLeft = await awaitUploads(from, head, deps.clock, patienceMs)
  await carryUploads(from, to, process)
  if (!(await to.imports.finish(target, { ...head, state: 'frozen', awaits: version }))) {
    throw refusal(`Another move is bringing the process to ${to.url}. It is frozen on ${from.url}: run it again.`)
  }
  const changed = await replace(deps, standing, to)
  const { withoutDeepHash, faults } = copy
  return { ...(await arrive(changed, to)), withoutDeepHash, faults, uploadsLeft }
}

async function sameWallet(from: UnitStores, to: UnitStores): Promise<void> {
  const [one, other] = await Promise.all([soundIdentity(from), soundIdentity(to)])
  if (one.wallet === other.wallet) return
  throw refusal(`${from.url} signs with the wallet ${one.wallet}, ${to.url} with ${other.wallet}.`)
}

/** A settled placement on this unit. */
export function placedOn(
  placement: Placement | undefined,
  process: string,
  { url }: Pick<UnitStores, 'url'>,
): Placement {
  if (!placement) throw refusal(`The process ${process} is placed on no unit.`)
  if (placement.unit !== url) throw refusal(`The process is placed on ${placement.unit}, not on ${url}.`)
  if (placement.state === 'settled') return placement
  throw refusal(`The placement on ${url} is provisional: the unit has not taken the spawn yet.`)
}

/** The old head, if it may be frozen for this version. */
async function departing({ url, log }: UnitStores, process: string, version: number): Promise<Head> {
  const head = await log.head(process)
  if (!head) throw refusal(`${url} has no such process.`)
  if (head.state === 'incomplete') throw refusal(`The process is still being brought to ${url}.`)
  const late = head.state === 'open' ? (head.awaits ?? 0) >= version : (head.awaits ?? version) > version
  if (late) {
    throw refusal(`The process on ${url} has seen version ${head.awaits} of its placement, and ${version - 1} stands.`)
  }
  if (head.state === 'frozen' && head.awaits === undefined) {
    throw refusal(`The process is frozen on ${url}, and not for a move: open it there first.`)
  }
  return head
}

/** Everything up to a head that no commit moves any more. */
async function copyAndFreeze(
  deps: MoveDeps,
  { from, to, process, despiteFaults = false, onProgress }: MoveOrder,
  before: Head,
  version: number,
): Promise<{ copy: LogCopy; head: Head }> {
  let head = before
  const copy = new LogCopy({ from, to, gateway: deps.gateway }, before, {
    despiteFaults,
    onProgress: (next) => onProgress?.(next, head.next),
  })
  // Once at least: what cannot be copied is found while the process still goes on.
  for (let tries = 0; tries === 0 || (tries < CATCH_UPS && head.next - copy.next > FEW); tries++) {
    await copy.upTo(head.next)
    head = (await from.log.head(process)) ?? head
  }
  if (!(await from.fence.freeze(process, version))) await departing(from, process, version)
  const frozen = await from.log.head(process)
  if (frozen?.state !== 'frozen' || frozen.awaits !== version) {
    throw refusal(`Another move of the process from ${from.url} is under way: run it again.`)
  }
  head = frozen
  await copy.upTo(head.next)
  copy.end(head)
  return { copy, head }
}

/** Changes the placement to this unit, on condition of the one that was read. Gives it; fails where another one stands. */
export async function replace(
  { placements, clock }: Pick<MoveDeps, 'placements' | 'clock'>,
  from: Placement,
  to: Pick<UnitStores, 'url'>,
): Promise<Placement> {
  const { process } = from
  const wanted: Placement = {
    process,
    unit: to.url,
    state: 'settled',
    refusedBy: [],
    version: from.version + 1,
    at: clock.now(),
  }
  const standing = await placements.change(from, wanted)
  // The same change by somebody else, or an earlier attempt of our own, is as good.
  if (standing.version === wanted.version && standing.unit === to.url) return standing
  throw refusal(
    standing.unit === from.unit
      ? `The move was abandoned: the process stays on ${from.unit}, and the copy on ${to.url} stays frozen.`
      : `The process was moved to ${standing.unit} meanwhile: the copy on ${to.url} stays frozen.`,
  )
}

/** Opens the head of a unit that the placement names. */
export async function arrive(placement: Placement, to: Pick<UnitStores, 'url' | 'log' | 'fence'>): Promise<Moved> {
  const { process, version } = placement
  const before = await to.log.head(process)
  const isOpen = await to.fence.open(process, version)
  const head = await to.log.head(process)
  if (!head) throw refusal(`The process is placed on ${to.url}, which does not have it.`)
  if (!isOpen && head.state !== 'open') {
    throw refusal(`The process is placed on ${to.url}, and is ${head.state} there, not for version ${version}.`)
  }
  const opened = before?.state !== 'open'
  return { process, unit: to.url, version, next: head.next, opened, withoutDeepHash: [], faults: [], uploadsLeft: 0 }
}
