/**
 * Sizes of the functions' bundles, and their limits. A cold start pays for what the instance loads at its start. Dynamic imports are read
 * when they are needed.
 */
import type { Metafile } from 'esbuild'
import type { FunctionName } from './functions.ts'

export interface BundleSize {
  /** Bytes of the entry and of all that it imports at once. */
  atStart: number
  /** Bytes of what is imported later. */
  later: number
  /** Bytes of what is loaded at the start, by the package that they came from; the repository's own by their folder. */
  packages: ReadonlyMap<string, number>
}

/**
 * Most KB that a function loads at its start, a little above the present size. Before a limit is raised, look for a module that can be
 * imported where it is used. 18 KB of `su` are parts of the SDK that only S3 needs: esbuild puts a file into the chunk of all entries that
 * import it, also where one of them uses none of it.
 */
export const bundleLimits: Readonly<Record<FunctionName, number>> = {
  su: 560,
  relay: 445,
  packer: 445,
  reconciler: 470,
  height: 380,
  router: 440,
  mig: 570,
  migPlacements: 480,
  migrate: 300,
}

/** Of a build with one entry. */
export function sizeOf({ outputs }: Metafile): BundleSize {
  const modules = Object.entries(outputs).filter(([file]) => file.endsWith('.mjs'))
  const atStart = new Set<string>()
  const load = (file: string): void => {
    if (atStart.has(file)) return
    atStart.add(file)
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && !external) load(path)
    }
  }
  for (const [file] of modules) if (file.endsWith('index.mjs')) load(file)
  const packages = new Map<string, number>()
  for (const file of atStart) {
    for (const [source, { bytesInOutput }] of Object.entries(outputs[file]?.inputs ?? {})) {
      const name = packageOf(source)
      packages.set(name, (packages.get(name) ?? 0) + bytesInOutput)
    }
  }
  const bytes = (wanted: boolean): number =>
    modules.reduce((sum, [file, output]) => sum + (atStart.has(file) === wanted ? output.bytes : 0), 0)
  return { atStart: bytes(true), later: bytes(false), packages }
}

const packageOf = (source: string): string => {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source) ?? []
  return name ?? source.split('/')[0] ?? source
}

export const kilobytes = (bytes: number): number => Math.ceil(bytes / 1024)

/** A sentence for each bundle that is larger than it may be. */
export function oversized(
  sizes: Readonly<Partial<Record<FunctionName, BundleSize>>>,
  limits: Readonly<Partial<Record<FunctionName, number>>> = bundleLimits,
): string[] {
  return Object.entries(sizes).flatMap(([name, { atStart, packages }]) => {
    const limit = Object.entries(limits).find(([limited]) => limited === name)?.[1] ?? 0
    if (kilobytes(atStart) <= limit) return []
    const largest = [...packages].sort(([, a], [, b]) => b - a).slice(0, 5)
    const named = largest.map(([from, bytes]) => `${from} ${kilobytes(bytes)}`).join(', ')
    return [
      `${name} loads ${kilobytes(atStart)} KB before its first answer and may load ${limit} (infra/bundle-sizes.ts). Most of it: ${named}.`,
    ]
  })
}
