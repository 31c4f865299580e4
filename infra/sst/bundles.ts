/** The functions' bundles of a stage, built before anything is deployed. */
import { execFileSync } from 'node:child_process'
import type { FunctionName } from '../functions.ts'

/** For each stage a folder, so that two deploys at once do not take each other's away. */
const folder = (): string => `.sst/bundles/${$app.stage}`

export const bundleOf = (name: FunctionName): string => `${folder()}/${name}`

/** In a process of its own: SST brings an esbuild along, and an older one. */
export const buildBundles = (): void => {
  execFileSync('node_modules/.bin/node', ['infra/sst/build-bundles.ts', folder()], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}
