/** What a data item must be to be scheduled (contract, "What is refused"): judged by its tags alone. */
import { isId } from '../ans104/base64url.ts'
import { type DataItem, ownerAddress } from '../ans104/data-item.ts'
import { type EncodedTags, firstValue, TagCursor } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'

export type ItemType = 'Process' | 'Message'

/** Says what a data item is, and refuses (`invalid-message`) what is neither process nor message. */
export function itemType(tags: EncodedTags): ItemType {
  const type = firstValue(tags, 'Type', 'type')
  if (type === undefined) throw refused('The item has no Type tag')
  if (type !== 'Process' && type !== 'Message') throw refused('The Type tag is neither Process nor Message')
  return type
}

/** The rules for tags beyond `Type`. */
export function checkTags(tags: EncodedTags, type: ItemType): void {
  if (firstValue(tags, 'Data-Protocol', 'data-protocol') === undefined)
    throw refused('The item has no Data-Protocol tag')
  const { rawTags } = tags
  for (const at = new TagCursor(tags); at.next(); ) {
    if (isLink(rawTags, at.name, at.nameEnd) || isLink(rawTags, at.value, at.valueEnd)) {
      throw refused(`The tag ${clip(at.tag().name)} must not end in +link`)
    }
  }
  if (type === 'Process' && (firstValue(tags, 'Module') === undefined || firstValue(tags, 'Scheduler') === undefined)) {
    throw refused('A process needs a Module and a Scheduler tag')
  }
}

/** Id of the process that a message is for. Refuses (`invalid-message`) a message without a target. */
export function targetProcess({ target }: DataItem): string {
  if (target.length === 0) throw refused('The message has no target process')
  return target.toString('base64url')
}

/** Refuses (`process-mismatch`) an item for another process than the one that the request names, if it names one. */
export function checkProcess(process: string, expected: string | undefined): void {
  if (expected === undefined || process === expected) return
  throw new SchedulerError('process-mismatch', `The item is for process ${process}, and the path is for ${expected}.`)
}

/**
 * Id of the transaction that a process's `On-Boot` names, if it names one (`Data` means the process's own data). Refuses
 * (`invalid-message`) a value that is no id; whether a gateway has it is not asked.
 */
export function bootTransaction(tags: EncodedTags): string | undefined {
  const boot = firstValue(tags, 'On-Boot')
  if (boot === undefined || boot === 'Data') return undefined
  if (!isId(boot)) throw refused('The On-Boot tag is neither Data nor a transaction id')
  return boot
}

/** ENABLE_MESSAGE_MAX_SIZE and its exemptions. Owners are addresses. */
export interface SizeRule {
  /** Bytes of the whole item. */
  maxBytes: number
  owners: ReadonlySet<string>
  /** Both lists are needed: an owner of the second whose `From-Process` is in the first. */
  fromProcesses: ReadonlySet<string>
  fromOwners: ReadonlySet<string>
}

/** Refuses (`message-too-large`) a message over the limit. Processes are exempt. */
export function checkSize(item: DataItem, rule: SizeRule | undefined): void {
  if (!rule || item.raw.length <= rule.maxBytes) return
  const owner = ownerAddress(item.owner)
  if (rule.owners.has(owner)) return
  const from = firstValue(item, 'From-Process', 'from-process')
  if (from !== undefined && rule.fromProcesses.has(from) && rule.fromOwners.has(owner)) return
  throw new SchedulerError('message-too-large', `The message is larger than the maximum of ${rule.maxBytes} bytes`)
}

const DEFAULT_SETTLEMENT_DEPTH = 20
const INT32_MAX = 2 ** 31 - 1

/** Confirmations that a base-layer transaction needs before it is assigned to this process. */
export function settlementDepth(tags: EncodedTags | undefined): number {
  const text = tags && firstValue(tags, 'Settlement-Depth')
  if (text === undefined || !/^[+-]?\d+$/.test(text)) return DEFAULT_SETTLEMENT_DEPTH
  const depth = Number(text)
  return depth > INT32_MAX || depth < -INT32_MAX - 1 ? DEFAULT_SETTLEMENT_DEPTH : depth
}

const refused = (message: string) => new SchedulerError('invalid-message', message)

const LINK = Buffer.from('+link')

const isLink = (bytes: Buffer, start: number, end: number): boolean =>
  end - start >= LINK.length && bytes.compare(LINK, 0, LINK.length, end - LINK.length, end) === 0

/** A tag's name may be as long as the body; an answer should not. */
const clip = (text: string) => (text.length <= 100 ? text : `${text.slice(0, 100)}…`)
