/**
 * Bundles each function into `.build/{name}/index.mjs`, everything included, AWS's SDK too, so that what runs is what was tested.
 * Dynamic imports stay files of their own, which are read when they are needed.
 *
 *   node infra/build.ts    says how large each is; fails where one is larger than it may be (bundle-sizes.ts)
 */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, context, formatMessages, type Plugin, stop } from 'esbuild'
import { type BundleSize, kilobytes, oversized, sizeOf } from './bundle-sizes.ts'
import { type FunctionName, functions } from './functions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Where the bundles of a checkout are. */
export const buildDir = join(root, '.build')

/** The handler's name as Lambda wants it, for every bundle made here. */
export const handlerOf = 'index.handler'

/** Bundled CommonJS modules ask for Node's own modules by `require`, which a module does not have. No minified name is that long. */
const banner =
  "import{createRequire as createRequireOfBundle}from'node:module';const require=createRequireOfBundle(import.meta.url);"

const options = (entry: string, outdir: string): BuildOptions => ({
  absWorkingDir: root,
  entryPoints: { index: entry },
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // Names of classes and functions are read in logs.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  banner: { js: banner },
  logLevel: 'warning',
})

/** Bundles one module; `entry` may be absolute. Fails with esbuild's errors, which it has printed. */
export const buildFunction = async (entry: string, outdir: string): Promise<BundleSize> => {
  rmSync(outdir, { recursive: true, force: true })
  const { metafile } = await build({ ...options(entry, outdir), metafile: true })
  return sizeOf(metafile)
}

/** Ends esbuild's own process, which holds hundreds of megabytes. Only where nothing is being built; a later build starts it again. */
export const endBuilder = (): Promise<void> => stop()

/** Bundles every function of infra/functions.ts. */
export const buildAll = async (outdir = buildDir): Promise<Record<FunctionName, BundleSize>> => {
  const built = Object.entries(functions).map(
    async ([name, { entry }]): Promise<[string, BundleSize]> => [name, await buildFunction(entry, join(outdir, name))],
  )
  return Object.fromEntries(await Promise.all(built)) as Record<FunctionName, BundleSize>
}

/** A build of a function that is watched. */
export type Build =
  /** `changed`: sources that were written since the build before, relative to the checkout. */
  | { dir: string; changed: readonly string[]; ms: number }
  /** What esbuild says of the sources, for a terminal. */
  | { errors: string }

/**
 * Bundles a module, and again at each change of its sources, each time into a new folder beside `outdir`: instances
 * keep reading the old one, and a source that is broken for a moment takes nothing away.
 */
export const watchFunction = async (
  entry: string,
  outdir: string,
  onBuild: (build: Build) => void,
): Promise<() => Promise<void>> => {
  let builds = 0
  let began = 0
  let startedAt = Date.now()
  const write: Plugin = {
    name: 'write',
    setup: ({ onStart, onEnd }) => {
      let since = 0
      onStart(() => {
        began = performance.now()
        // Taken before the sources are read: a change during a build is one of the next build.
        ;[since, startedAt] = [startedAt, Date.now()]
      })
      onEnd(async ({ errors, outputFiles = [], metafile }) => {
        if (errors.length > 0) {
          const color = process.stdout.isTTY
          return onBuild({ errors: (await formatMessages(errors, { kind: 'error', color })).join('').trimEnd() })
        }
        const dir = `${outdir}-${++builds}`
        rmSync(dir, { recursive: true, force: true })
        mkdirSync(dir, { recursive: true })
        for (const { path, contents } of outputFiles) writeFileSync(join(dir, relative(outdir, path)), contents)
        rmSync(`${outdir}-${builds - 2}`, { recursive: true, force: true })
        const changed = Object.keys(metafile?.inputs ?? {}).filter((file) => writtenSince(file, since))
        onBuild({ dir, changed, ms: Math.round(performance.now() - began) })
      })
    },
  }
  const watched = await context({
    ...options(entry, outdir),
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [write],
  })
  await watched.watch()
  return () => watched.dispose()
}

/** @param file relative to the checkout */
const writtenSince = (file: string, ms: number): boolean =>
  !file.includes('node_modules/') && (statSync(join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0) >= ms

if (import.meta.main) {
  const sizes = await buildAll()
  const column = (bytes: number): string => `${kilobytes(bytes)} KB`.padStart(7)
  for (const [name, { atStart, later }] of Object.entries(sizes)) {
    process.stdout.write(`${name.padEnd(13)} ${column(atStart)} at the start, ${column(later)} later\n`)
  }
  for (const sentence of oversized(sizes)) {
    process.stderr.write(`${sentence}\n`)
    process.exitCode = 1
  }
}
