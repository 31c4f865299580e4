/** Processes with packed history for the tests of segments, and what must come out of them, made the straightforward way. */
import { BLOCK_RECORDS, type BlockIndex, blockOf, type SegmentReader } from '../../../core/ports/segment-store.ts'
import { assignmentText, itemText, nodeText } from '../../../core/read/render.ts'
import { readWhole } from '../../../core/relay/batch.ts'
import { type BuildOptions, type BuildOutcome, buildBlock } from '../../../core/segments/build.ts'
import { createSegmentReader } from '../../../core/segments/reader.ts'
import type { RelayWorld } from '../relay/world.ts'

/** A process of so many whole blocks, of all kinds of records, and some more behind. */
export async function mixedProcess(world: RelayWorld, blocks: number, { assigned = true } = {}): Promise<string> {
  const process = await world.spawn(100, { assigned })
  await world.grow(process, 5, { kind: 'transaction' })
  await world.grow(process, 3, { body: 'blob', data: 6_000 })
  await world.grow(process, 100, { data: 300 })
  await world.grow(process, blocks * BLOCK_RECORDS + 10 - 209)
  return process
}

export function build(
  world: RelayWorld,
  process: string,
  block: number,
  options?: BuildOptions,
): Promise<BuildOutcome> {
  return buildBlock(world.packing, headOf(world, process), block, options)
}

export const headOf = (world: RelayWorld, process: string) => {
  const head = world.log.held.heads.get(process)
  if (head === undefined) throw new Error('no such process')
  return head
}

export async function buildAll(world: RelayWorld, process: string): Promise<void> {
  const { next } = headOf(world, process)
  for (let block = 0; block < blockOf(next); block++) await build(world, process, block)
}

/** Nodes of these nonces, each record by itself, parsed and rendered. */
export async function plainNodes(
  world: RelayWorld,
  process: string,
  from: number,
  to: number,
  showAnchor = false,
): Promise<string[]> {
  const records = world.recordsOf(process).filter(({ nonce }) => nonce >= from && nonce <= to)
  const nodes: string[] = []
  for (const record of records) {
    const { rawItem } = await readWhole(world.deps, record)
    nodes.push(nodeText(itemText(record, rawItem), assignmentText(record, { showAnchor })))
  }
  return nodes
}

export const readerOf = (world: RelayWorld, keptBytes?: number): SegmentReader =>
  createSegmentReader({
    ...world.packing,
    damage: { report: (damage) => world.warnings.push({ damage }) },
    ...(keptBytes !== undefined && { keptBytes }),
  })

/** Indexes of all blocks that the stretch touches, each of which must be there. */
export async function indexesOf(
  reader: SegmentReader,
  process: string,
  from: number,
  to: number,
): Promise<BlockIndex[]> {
  const blocks = Array.from({ length: blockOf(to) - blockOf(from) + 1 }, (_, n) => blockOf(from) + n)
  return (await reader.blocks(process, blocks)).map((index) => {
    if (index === undefined) throw new Error('a block is not packed')
    return index
  })
}

export async function readNodes(
  reader: SegmentReader,
  process: string,
  from: number,
  to: number,
  showAnchor = false,
): Promise<string[]> {
  const indexes = await indexesOf(reader, process, from, to)
  const nodes: string[] = []
  for await (const some of reader.nodes(process, indexes, from, to, { showAnchor })) nodes.push(...some.map(String))
  return nodes
}
