/** Holds what is packed of a process against its log, byte for byte, and packs what is not as it should be. For an operator. */
import { SchedulerError } from '../errors.ts'
import type { LogStore } from '../ports/log-store.ts'
import { blockOf, objectNames, type SegmentObjects } from '../ports/segment-store.ts'
import { type BuildDeps, buildBlock, packBlock } from './build.ts'
import { encodeIndex } from './index-row.ts'
import type { PackedSegment } from './pack.ts'

export interface VerifyDeps extends BuildDeps {
  records: Pick<LogStore, 'head' | 'records'>
}

export interface VerifiedBlock {
  block: number
  /**
   * `sound`: as the log has it. `missing`: not packed. `damaged`: an object or the index is not what it should be. `unsound`: the
   * log itself, which is then not packed. `packed`: it was missing or damaged, and is sound now.
   */
  state: 'sound' | 'missing' | 'damaged' | 'unsound' | 'packed'
  /** What is, or was, wrong. */
  what: readonly string[]
}

/** All blocks that can be packed, in order. Fails with `not-found`, and with `unavailable`. @param mend packs what is missing or damaged */
export async function* verifySegments(
  deps: VerifyDeps,
  process: string,
  { mend }: { mend: boolean },
): AsyncGenerator<VerifiedBlock> {
  const head = await deps.records.head(process)
  if (head === undefined) throw new SchedulerError('not-found', `Process ${process} is not known here.`)
  for (let block = 0; block < blockOf(head.next); block++) {
    const found = await verifyBlock(deps, head, block)
    const wanting = found.state === 'missing' || found.state === 'damaged'
    if (!mend || !wanting) yield found
    else {
      await buildBlock(deps, head, block, { again: true })
      yield { ...found, state: 'packed' }
    }
  }
}

async function verifyBlock(
  deps: VerifyDeps,
  head: Parameters<typeof packBlock>[1],
  block: number,
): Promise<VerifiedBlock> {
  const what: string[] = []
  const packed = await packBlock(deps, head, block, async (segment) => {
    what.push(...(await wrongObjects(deps.objects, head.process, segment)))
  })
  if ('faults' in packed) {
    return { block, state: 'unsound', what: packed.faults.map((fault) => `nonce ${fault.nonce} ${fault.what}`) }
  }
  const [index] = await deps.indexes.get(head.process, [block])
  if (index === undefined) return { block, state: 'missing', what: ['it has no index'] }
  if (!index.equals(encodeIndex(head.process, packed.index))) what.push('its index is another one')
  return { block, state: what.length === 0 ? 'sound' : 'damaged', what }
}

async function wrongObjects(
  objects: SegmentObjects,
  process: string,
  { segment, nodes, bundle }: PackedSegment,
): Promise<string[]> {
  const [nodesName, bundleName] = objectNames(process, segment)
  const checks = [
    { name: nodesName, wanted: nodes },
    { name: bundleName, wanted: bundle },
  ].map(async ({ name, wanted }) => {
    // One byte more than there should be would show.
    const found = await objects.read(name, 0, wanted.length + 1)
    if (found?.equals(wanted)) return []
    return [`the ${name.form} from nonce ${name.first} on are ${found ? 'altered' : 'missing'}`]
  })
  return (await Promise.all(checks)).flat()
}
