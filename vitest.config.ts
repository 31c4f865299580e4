/**
 * Two groups: what runs in one process, beside each other, among it what is asked of the deployment's resource graph; then what starts
 * whole stacks, one file after the other, since two stacks on one machine would only measure each other.
 */
import { defineConfig } from 'vitest/config'

const graphs = ['test/infra/sst/**/*.test.ts']
const stacks = ['test/stack/**/*.test.ts', 'test/local/**/*.test.ts', 'test/operator/**/*.test.ts']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [...stacks, ...graphs],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'graphs',
          include: graphs,
          globalSetup: 'test/infra/sst/setup.ts',
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'stacks',
          include: stacks,
          testTimeout: 120_000,
          hookTimeout: 90_000,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
