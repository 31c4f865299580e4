/**
 * Gives up a move that was not finished: the old unit goes on. The placement gets its next version, and keeps its unit, before
 * the old head opens for it: so whoever still works at the move finds it changed, and the copy stays frozen.
 */
import type { Placement } from '../ports/placement-store.ts'
import { type MoveDeps, placedOn, replace } from './move.ts'
import { refusal, soundIdentity, type UnitStores } from './move-stores.ts'

export interface Abandoned {
  process: string
  unit: string
  version: number
  /** False: it was open, there was nothing to be abandoned. */
  opened: boolean
}

/** @param from the unit that the placement names. Fails with `invalid-request`, saying why it may not be done; with `unavailable`. */
export async function abandonMove(
  deps: Pick<MoveDeps, 'placements' | 'clock'>,
  process: string,
  from: Pick<UnitStores, 'url' | 'identity' | 'log' | 'fence'>,
): Promise<Abandoned> {
  await soundIdentity(from)
  let placement: Placement = placedOn(await deps.placements.read(process), process, from)
  const head = await from.log.head(process)
  if (!head) throw refusal(`${from.url} has no such process.`)
  const { state, awaits } = head
  const { url: unit } = from
  if (state === 'open') return { process, unit, version: placement.version, opened: false }
  if (state === 'incomplete' || awaits === undefined) {
    throw refusal(`The process is ${state} on ${unit}, and not for a move.`)
  }
  if (awaits > placement.version + 1) {
    throw refusal(`The process on ${unit} awaits version ${awaits} of its placement, and ${placement.version} stands.`)
  }
  // Where it is there already, an earlier attempt ended between the two steps.
  if (awaits === placement.version + 1) placement = await replace(deps, placement, from)
  if (!(await from.fence.open(process, awaits))) throw refusal(`Another move of the process has begun: run it again.`)
  return { process, unit, version: placement.version, opened: true }
}
