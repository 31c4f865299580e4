/**
 * Prints the figures of docs/contended-processes.md: npm run simulate
 * Virtual time, so they are the same on every machine.
 */
import { type Load, type LoadOptions, load } from './load.ts'
import { previousUnit } from './previous-version.ts'

const header = ['', 'a second', 'p50', 'p99', 'signatures', 'W', 'R', 'messages a commit']

function row(name: string, { processes: [first], signatures, writeUnits, readUnits, batch }: Load): string[] {
  const { rate = 0, p50 = 0, p99 = 0 } = first ?? {}
  const figures = [rate.toFixed(0), `${p50} ms`, `${p99} ms`, signatures.toFixed(2)]
  return [name, ...figures, writeUnits.toFixed(1), readUnits.toFixed(1), batch.toFixed(1)]
}

const print = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`)

async function table(title: string, rows: readonly [name: string, options: LoadOptions][]): Promise<void> {
  process.stdout.write(`\n${title}\n\n`)
  print(header)
  print(header.map(() => '---'))
  for (const [name, options] of rows) print(row(name, await load({ length: 20_000, ...options })))
}

const writers = (count: number) => (count === 1 ? '1 writer' : `${count} writers`)

await table(
  'One request an instance',
  [1, 2, 3, 4, 8, 16, 32, 64, 200, 1_000].map((count) => [
    writers(count),
    { writers: [count], ...(count > 500 && { warmUp: 5_000 }) },
  ]),
)
await table(
  'The same, each for itself (before combining)',
  [1, 2, 4, 8, 32].map((count) => [writers(count), { writers: [count], unit: previousUnit }]),
)
await table(
  'Instances of 64 requests',
  [1, 2, 4, 8, 32, 64, 200].map((count) => [writers(count), { writers: [count], concurrency: 64 }]),
)
