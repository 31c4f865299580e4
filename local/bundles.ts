/**
 * The functions' bundles of a start: each start has its own, so that stacks beside each other do not pull them from under one another.
 * The regions of one start share them.
 */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Build, buildFunction, watchFunction } from '../infra/build.ts'
import { type FunctionName, functions } from '../infra/functions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const entryOf = (name: FunctionName): string => resolve(root, functions[name].entry)

export interface Bundles {
  /** The folder of a function's newest bundle. */
  dir(name: FunctionName): string
  /** Calls back when a function was built again, until what it gives is called. */
  onRebuilt(rebuilt: (name: FunctionName) => void): () => void
  stop(): Promise<void>
}

export interface BundleOptions {
  dir: string
  names: readonly FunctionName[]
  /** Builds again at each change of a source. */
  watch: boolean
  log(message: string): void
}

/** Resolves when each function has been built once. */
export const openBundles = (options: BundleOptions): Promise<Bundles> => {
  rmSync(options.dir, { recursive: true, force: true })
  return options.watch ? watchBundles(options) : buildBundles(options)
}

const buildBundles = async ({ dir, names }: BundleOptions): Promise<Bundles> => {
  await Promise.all(names.map((name) => buildFunction(entryOf(name), join(dir, name))))
  return { dir: (name) => join(dir, name), onRebuilt: () => () => {}, async stop() {} }
}

const watchBundles = async ({ dir, names, log }: BundleOptions): Promise<Bundles> => {
  const latest = new Map<FunctionName, string>()
  const listeners = new Set<(name: FunctionName) => void>()
  const describe = describeBuilds(log)
  const watched = await Promise.all(
    names.map(async (name) => {
      const first = Promise.withResolvers<void>()
      const stop = await watchFunction(entryOf(name), join(dir, name), (build) => {
        describe(name, build, !latest.has(name))
        if ('errors' in build) return
        latest.set(name, build.dir)
        first.resolve()
        for (const rebuilt of listeners) rebuilt(name)
      })
      await first.promise
      return stop
    }),
  )
  return {
    dir: (name) => latest.get(name) ?? join(dir, name),
    onRebuilt(rebuilt) {
      listeners.add(rebuilt)
      return () => listeners.delete(rebuilt)
    },
    async stop() {
      await Promise.all(watched.map((stop) => stop()))
    },
  }
}

/**
 * Notes each build after the first. Errors come once, whole, although each function that has the source finds them; a
 * function that was never built has nothing to run until they are mended.
 */
export const describeBuilds = (log: BundleOptions['log']): ((name: string, build: Build, isFirst: boolean) => void) => {
  const broken = new Map<string, string>()
  return (name, build, isFirst) => {
    if ('errors' in build) {
      const isKnown = [...broken.values()].includes(build.errors)
      broken.set(name, build.errors)
      const rest = isFirst ? 'The start waits until it can be built.' : 'Its last build keeps running.'
      log(`BUILD FAILED: ${name}. ${rest}${isKnown ? '' : `\n\n${build.errors}\n`}`)
      return
    }
    const wasBroken = broken.delete(name)
    if (isFirst && !wasBroken) return
    const why = build.changed.length === 0 ? '' : ` (${build.changed.join(', ')})`
    log(`${name} built in ${build.ms} ms${why}`)
  }
}
