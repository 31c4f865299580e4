/**
 * The tests, by what they start:
 *
 * - `parts`: one part of the code in one process.
 * - `pure`: the same, of files that share no state and so need no isolation, which costs a second of imports each.
 * - `graphs`: the resource graph of the deployment.
 * - `smoke`: one whole stack, once through its life.
 * - `aws`: a unit on MiniStack, which plays AWS's API. Needs Python 3 with pip and PyPI.
 * - `stacks`: whole stacks, and commands as processes of their own, one file after the other.
 *
 * `npm test` runs the first four, `npm run test:aws` and `npm run test:stacks` the others. `npm run test:soak` (`--mode soak`) runs
 * the files of the first two that draw cases, with full counts; test/effort.ts has the counts.
 */
import { globSync, readFileSync } from 'node:fs'
import { type ConfigEnv, defineConfig } from 'vitest/config'
import { effortOf } from './test/effort.ts'
import { SlowestFiles } from './test/reporter.ts'

const graphs = ['test/infra/sst/**/*.test.ts']
const smoke = ['test/stack/smoke.test.ts']
const aws = ['test/aws/system.test.ts']
const stacks = [
  'test/stack/**/*.test.ts',
  'test/local/**/*.test.ts',
  'test/operator/**/*.test.ts',
  'test/infra/sst/command/**/*.test.ts',
  'test/functions/mig-command.test.ts',
  'test/functions/mig-messages-command.test.ts',
  'test/db/dynamodb/large-records.test.ts',
  'test/db/dynamodb/log-inspection.test.ts',
]

/** Test files that draw their cases: with fast-check, or as often as test/effort.ts says. */
const drawing = (): string[] =>
  globSync('test/**/*.test.ts').filter((file) => /from '(fast-check|.*\/effort\.ts)'/.test(readFileSync(file, 'utf8')))

/** Folders of the project `pure`. */
const pure = ['ans104', 'protocol', 'schedule'].map((folder) => `test/core/${folder}/`).concat('test/fakes/')
const isPure = (file: string): boolean => pure.some((folder) => file.startsWith(folder))

export default defineConfig(({ mode }: ConfigEnv) => {
  const soak = mode === 'soak'
  const testTimeout = soak ? 600_000 : 60_000
  const effort = effortOf(soak, process.env.SEED)
  return {
    test: {
      provide: { effort },
      setupFiles: 'test/setup.ts',
      globalSetup: 'test/services.ts',
      reporters: ['default', new SlowestFiles(effort)],
      hookTimeout: 60_000,
      projects: [
        {
          extends: true,
          test: {
            name: 'parts',
            include: soak ? drawing() : ['test/**/*.test.ts'],
            exclude: [...stacks, ...graphs, ...aws, ...pure.map((folder) => `${folder}**`)],
            testTimeout,
            maxWorkers: 2,
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: {
            name: 'pure',
            include: soak ? drawing().filter(isPure) : pure.map((folder) => `${folder}**/*.test.ts`),
            isolate: false,
            testTimeout,
            maxWorkers: 2,
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: {
            name: 'graphs',
            include: graphs,
            exclude: stacks,
            testTimeout: 20_000,
            maxWorkers: 2,
            sequence: { groupOrder: 0 },
          },
        },
        {
          extends: true,
          test: { name: 'smoke', include: smoke, testTimeout: 400_000, maxWorkers: 2, sequence: { groupOrder: 0 } },
        },
        {
          extends: true,
          test: { name: 'aws', include: aws, testTimeout: 60_000, hookTimeout: 300_000, sequence: { groupOrder: 0 } },
        },
        {
          extends: true,
          test: {
            name: 'stacks',
            include: stacks,
            exclude: smoke,
            // A whole stack on a machine that does other things besides takes minutes.
            testTimeout: 400_000,
            hookTimeout: 300_000,
            maxWorkers: 1,
            fileParallelism: false,
            sequence: { groupOrder: 1 },
          },
        },
      ],
    },
  }
})
