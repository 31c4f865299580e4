/**
 * Bundles each function into `.build/{name}/index.mjs`, everything included, AWS's SDK too, so that what runs is what was tested.
 * Dynamic imports stay files of their own, which are read when they are needed.
 *
 *   node infra/build.ts
 */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, context, type Plugin, stop } from 'esbuild'
import { functions } from './functions.ts'

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
export const buildFunction = async (entry: string, outdir: string): Promise<void> => {
  rmSync(outdir, { recursive: true, force: true })
  await build(options(entry, outdir))
}

/** Ends esbuild's own process, which holds hundreds of megabytes. Only where nothing is being built; a later build starts it again. */
export const endBuilder = (): Promise<void> => stop()

/** Bundles every function of infra/functions.ts. */
export const buildAll = async (outdir = buildDir): Promise<void> => {
  await Promise.all(Object.entries(functions).map(([name, { entry }]) => buildFunction(entry, join(outdir, name))))
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

const sizes = (dir: string): { entry: number; lazy: number } => {
  const bytes = (files: string[]): number => files.reduce((sum, file) => sum + statSync(join(dir, file)).size, 0)
  const modules = readdirSync(dir).filter((file) => file.endsWith('.mjs'))
  return {
    entry: bytes(modules.filter((file) => file === 'index.mjs')),
    lazy: bytes(modules.filter((file) => file !== 'index.mjs')),
  }
}

if (import.meta.main) {
  await buildAll()
  for (const name of Object.keys(functions)) {
    const { entry, lazy } = sizes(join(buildDir, name))
    const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1024)} KB`
    process.stdout.write(`${name.padEnd(8)} ${kilobytes(entry).padStart(8)}, and ${kilobytes(lazy)} in other files\n`)
  }
}
