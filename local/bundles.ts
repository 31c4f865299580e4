/** The functions' bundles of a stack: each has its own, so that stacks beside each other do not pull them from under one another. */
import { rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildFunction, watchFunction } from '../infra/build.ts'
import { type FunctionName, functions } from '../infra/functions.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const names = Object.keys(functions) as FunctionName[]
const entryOf = (name: FunctionName): string => resolve(root, functions[name].entry)

export interface Bundles {
  /** The folder of a function's bundle. */
  dir(name: FunctionName): string
  stop(): Promise<void>
}

export const buildBundles = async (dir: string): Promise<Bundles> => {
  rmSync(dir, { recursive: true, force: true })
  await Promise.all(names.map((name) => buildFunction(entryOf(name), join(dir, name))))
  return { dir: (name) => join(dir, name), async stop() {} }
}

/** Builds, and builds again at each change of a source; resolves when the first ones are there. */
export const watchBundles = async (dir: string, onChange: (name: FunctionName) => void): Promise<Bundles> => {
  rmSync(dir, { recursive: true, force: true })
  const latest = new Map<FunctionName, string>()
  const watched = await Promise.all(
    names.map(async (name) => {
      const first = Promise.withResolvers<void>()
      const stop = await watchFunction(entryOf(name), join(dir, name), (built) => {
        if (built === undefined) return
        latest.set(name, built)
        first.resolve()
        onChange(name)
      })
      await first.promise
      return stop
    }),
  )
  return {
    dir: (name) => latest.get(name) ?? join(dir, name),
    async stop() {
      await Promise.all(watched.map((stop) => stop()))
    },
  }
}
