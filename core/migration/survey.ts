/** What can be said of a process in the source before its rows are gone through: how much there is, what is missing or doubled, who signed it. */
import type { DataItem } from '../ans104/data-item.ts'
import type { Fault } from '../audit/fault.ts'
import { hasCode } from '../errors.ts'
import type { Extent, MigrationSource, SourceProcess } from '../ports/migration-source.ts'
import type { Ending } from './order.ts'
import { readMessage } from './stored-bundle.ts'
import { type OpenedProcess, openProcess } from './walk.ts'

/** Irregular nonces of each kind that are named; of more a last one says that there are. */
export const NAMED = 1_000

export interface Survey {
  extent: Extent
  /** None where the process's own row is missing or cannot be read: nothing can be brought in then. */
  opened: OpenedProcess | undefined
  faults: Fault[]
  /** Whether the newest that there is of it is signed by another wallet than the log's. */
  foreign: boolean
}

/** @param owner public key of the log's wallet. Fails as the source does. */
export async function surveyProcess(
  source: MigrationSource,
  process: string,
  { owner, ending }: { owner: Buffer; ending: Ending },
): Promise<Survey> {
  const [row, extent] = await Promise.all([source.process(process), source.extent(process)])
  const own = row ? read(row) : { faults: [lost(extent)] }
  const opened = 'opened' in own ? own.opened : undefined
  const faults: Fault[] = 'faults' in own ? own.faults : []
  faults.push(...(await irregular(source, process, extent, opened)))
  const signer = await newestSigner(source, process, extent, opened)
  const foreign = signer !== undefined && !signer.owner.equals(owner)
  if (foreign && ending !== 'history') {
    const nonce = extent.highest ?? opened?.firstNonce ?? 0
    faults.push({ nonce, kind: 'wallet', what: "is signed by another wallet than the log's: it could not go on here" })
  }
  return { extent, opened, faults, foreign }
}

const lost = ({ messages }: Extent): Fault => ({
  nonce: 0,
  kind: 'process',
  what:
    messages === 0
      ? 'is not in the source, nor is anything else of this process'
      : 'has no row: the process itself is not in the source',
})

function read(row: SourceProcess): { opened: OpenedProcess } | { faults: Fault[] } {
  try {
    return { opened: openProcess(row) }
  } catch (error) {
    if (!hasCode(error, 'invalid-item')) throw error
    return { faults: [{ nonce: 0, kind: 'bundle', what: `has a row that cannot be read: ${error.message}` }] }
  }
}

async function irregular(
  source: MigrationSource,
  process: string,
  { messages, nonces, lowest, highest }: Extent,
  opened: OpenedProcess | undefined,
): Promise<Fault[]> {
  if (lowest === undefined || highest === undefined) return []
  // Without the process it cannot be told which nonce its messages begin with.
  const first = opened ? opened.firstNonce + 1 : Math.min(1, lowest)
  if (messages === nonces && lowest === first && highest - lowest + 1 === nonces) return []
  const found = await source.irregularities(process, first, NAMED + 1)
  const faults = found.slice(0, 2 * NAMED).map((one): Fault => {
    if (one.kind === 'doubled') {
      return {
        nonce: one.nonce,
        kind: 'doubled',
        what: `is there ${one.rows.length} times, in the rows ${one.rows.join(', ')}`,
      }
    }
    const what = one.from === one.to ? 'is not in the source' : `is not in the source, nor is any up to nonce ${one.to}`
    return { nonce: one.from, kind: 'missing', what }
  })
  if (lowest < first)
    faults.unshift({ nonce: lowest, kind: 'doubled', what: "is a message's, and the process's own or none" })
  // What cannot be named must not pass for sound.
  if (faults.length > 0) return faults
  return [
    {
      nonce: lowest,
      kind: 'missing',
      what: `is the first of ${nonces} nonces up to ${highest}, which is not how many there should be`,
    },
  ]
}

/** By whom the newest record is signed, and so the next one would have to be. */
async function newestSigner(
  source: MigrationSource,
  process: string,
  { highest }: Extent,
  opened: OpenedProcess | undefined,
): Promise<DataItem | undefined> {
  const row = highest === undefined ? undefined : await source.before(process, highest + 1)
  if (row === undefined) return opened?.first.outer
  try {
    return readMessage(row).outer
  } catch (error) {
    // It is found where it stands.
    if (hasCode(error, 'invalid-item')) return undefined
    throw error
  }
}
