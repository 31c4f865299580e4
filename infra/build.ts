/**
 * Bundles each function into `.build/{name}/index.mjs`, everything included, AWS's SDK too, so that what runs is what was tested.
 * Dynamic imports stay files of their own, which are read when they are needed.
 *
 *   node infra/build.ts    says how large each is; fails where one is larger than it may be (bundle-sizes.ts)
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, context, type Plugin, stop } from 'esbuild'
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

/**
 * Bundles a module, and again at each change of its sources, each time into a new folder beside `outdir`: what runs
 * goes on reading the old one, and a source that is broken for a moment takes nothing away.
 * @param built called with the new folder; with none where the sources are broken, which esbuild has printed
 */
export const watchFunction = async (
  entry: string,
  outdir: string,
  built: (dir: string | undefined) => void,
): Promise<() => Promise<void>> => {
  let builds = 0
  const write: Plugin = {
    name: 'write',
    setup: ({ onEnd }) => {
      onEnd(({ errors, outputFiles = [] }) => {
        if (errors.length > 0) return built(undefined)
        const dir = `${outdir}-${++builds}`
        rmSync(dir, { recursive: true, force: true })
        mkdirSync(dir, { recursive: true })
        for (const { path, contents } of outputFiles) writeFileSync(join(dir, relative(outdir, path)), contents)
        rmSync(`${outdir}-${builds - 2}`, { recursive: true, force: true })
        built(dir)
      })
    },
  }
  const watched = await context({ ...options(entry, outdir), write: false, plugins: [write] })
  await watched.watch()
  return () => watched.dispose()
}

if (import.meta.main) {
  const sizes = await buildAll()
  const column = (bytes: number): string => `${kilobytes(bytes)} KB`.padStart(7)
  for (const [name, { atStart, later }] of Object.entries(sizes)) {
    process.stdout.write(`${name.padEnd(8)} ${column(atStart)} at the start, ${column(later)} later\n`)
  }
  for (const sentence of oversized(sizes)) {
    process.stderr.write(`${sentence}\n`)
    process.exitCode = 1
  }
}
