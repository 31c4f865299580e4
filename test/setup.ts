/** Before each test file: fast-check draws from the seed of the run, and Buffers are compared as bytes. */
import fc from 'fast-check'
import { expect, inject } from 'vitest'

fc.configureGlobal({ seed: inject('effort').seed })

// Otherwise `toEqual` compares megabytes property by property, at 500 ms a megabyte.
expect.addEqualityTesters([(a, b) => (Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : undefined)])
