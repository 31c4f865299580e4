/**
 * Freezes and opens a process by an operator's hand, not to be moved. A process that was moved away is never opened where it was:
 * only its placement says where that is, and a head opens for what it awaits and nothing else (`core/ports/log-fence.ts`).
 */
import type { Head } from '../log/record.ts'
import { isClosedForGood } from '../log/state.ts'
import type { Placement, PlacementStore } from '../ports/placement-store.ts'
import { placedOn } from './move.ts'
import { refusal, soundIdentity, type UnitStores } from './move-stores.ts'

export interface Held {
  process: string
  unit: string
  state: 'frozen' | 'open'
  /** False: it was so already. */
  changed: boolean
}

/** Reads go on. Fails with `invalid-request`, saying why it may not be done; with `unavailable`. */
export async function freezeProcess(process: string, unit: Pick<UnitStores, 'url' | 'log'>): Promise<Held> {
  const { url, log } = unit
  const frozen = { process, unit: url, state: 'frozen' } as const
  if ((await headOf(process, unit)).state === 'frozen') return { ...frozen, changed: false }
  if (await log.setState(process, 'open', 'frozen')) return { ...frozen, changed: true }
  if ((await headOf(process, unit)).state === 'frozen') return { ...frozen, changed: false }
  throw refusal('Somebody else is at work on the process: run it again.')
}

/**
 * @param placements what says which unit has the process; none where this unit is alone
 * Fails with `invalid-request`, saying why it may not be done; with `unavailable`.
 */
export async function openProcess(
  placements: Pick<PlacementStore, 'read' | 'deadSince'> | undefined,
  process: string,
  unit: Pick<UnitStores, 'url' | 'identity' | 'log' | 'fence'>,
): Promise<Held> {
  const { url, fence } = unit
  await soundIdentity(unit)
  const head = await headOf(process, unit)
  const { state, awaits } = head
  if (isClosedForGood(head)) {
    throw refusal(
      `The process is closed on ${url} for good: what it gave out last is lost, and would be given out again.`,
    )
  }
  const placement = placements && placedOn(await placements.read(process), process, unit)
  if (placements && (await placements.deadSince(url)) !== undefined) {
    throw refusal(`${url} is declared dead: it schedules nothing. See: units alive.`)
  }
  const open = { process, unit: url, state: 'open' } as const
  if (state === 'open') return { ...open, changed: false }
  refuseMove(awaits, placement, url)
  // What it awaits has not changed since, or it does not open: a move that began meanwhile has its way.
  if (await fence.open(process, awaits)) return { ...open, changed: true }
  throw refusal('Somebody else is at work on the process: run it again.')
}

async function headOf(process: string, { url, log }: Pick<UnitStores, 'url' | 'log'>): Promise<Head> {
  const head = await log.head(process)
  if (!head) throw refusal(`${url} has no such process.`)
  if (head.state === 'incomplete') throw refusal(`The process is still being brought to ${url}.`)
  return head
}

/** @param placement names this unit */
function refuseMove(awaits: number | undefined, placement: Placement | undefined, url: string): void {
  if (awaits === undefined) return
  if (!placement) {
    throw refusal(
      `The process is frozen on ${url} to be moved, and where it is now cannot be told without PLACEMENTS_TABLE.`,
    )
  }
  if (awaits > placement.version) {
    throw refusal(
      `The process is frozen on ${url} to be moved. Finish that by: placement move; or give it up: placement abandon.`,
    )
  }
}
