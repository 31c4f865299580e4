/** Who may use the unit, by the lists that are configured; without any, everybody and everything. */
import { type Clock, systemClock } from '../core/ports/clock.ts'
import type { AccessLists } from '../core/ports/lists.ts'
import { FetchedList } from './fetched-list.ts'
import { type AddressList, ipList } from './ip-list.ts'
import { processList } from './process-list.ts'

export interface AccessListsOptions {
  /** IP_WHITELIST_URL */
  ipListUrl?: string | undefined
  /** PROCESS_WHITELIST_URL, with URL, by which the list names this unit; without it, as a router judges by the list. */
  processList?: { url: string; ownUrl?: string } | undefined
  clock?: Clock
  /** How long a read may take, ms. */
  deadlineMs?: number
  /** Hears of the entries of the IP list that are no addresses or ranges, once for each change of them. */
  onNotUnderstood?(entries: readonly string[]): void
}

/** How old the lists may be when they judge, ms (contract, "Lists that are fetched"). */
const IP_LIST_AGE_MS = 30_000
const PROCESS_LIST_AGE_MS = 10_000

export function createAccessLists(options: AccessListsOptions): AccessLists {
  const { ipListUrl, clock = systemClock } = options
  const common = { clock, ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }) }
  const addresses =
    ipListUrl === undefined
      ? undefined
      : new FetchedList({
          ...common,
          name: 'The IP list',
          url: ipListUrl,
          maxAgeMs: IP_LIST_AGE_MS,
          schema: ipList,
          onRead: onChange(options.onNotUnderstood),
        })
  const processes =
    options.processList === undefined
      ? undefined
      : new FetchedList({
          ...common,
          name: 'The allow-list',
          url: options.processList.url,
          maxAgeMs: PROCESS_LIST_AGE_MS,
          schema: processList(options.processList.ownUrl),
        })

  return {
    restricted: processes !== undefined,
    addressAllowed: async (address) => addresses === undefined || (await addresses.current()).allows(address),
    processAccess: async (process) =>
      processes === undefined ? { read: true, write: true } : (await processes.current())(process),
  }
}

/** Calls `report` when the entries that a list does not understand are others than those before, and there are any. */
function onChange(report: AccessListsOptions['onNotUnderstood']): (list: AddressList) => void {
  let before = ''
  return ({ notUnderstood }) => {
    const now = JSON.stringify(notUnderstood)
    if (now !== before && notUnderstood.length > 0) report?.(notUnderstood)
    before = now
  }
}
