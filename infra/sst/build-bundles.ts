/** `node infra/sst/build-bundles.ts DIR`: builds every function into a folder of its own there. */
import { resolve } from 'node:path'
import { buildAll, endBuilder } from '../build.ts'

const [dir] = process.argv.slice(2)
if (dir === undefined) throw new Error('Say where to.')
await buildAll(resolve(dir))
await endBuilder()
