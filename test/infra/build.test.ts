/** The bundles as they are deployed: no larger than they may be, and every file of them loads, what is loaded late too. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildAll } from '../../infra/build.ts'
import { type BundleSize, bundleLimits, kilobytes, oversized } from '../../infra/bundle-sizes.ts'
import { type FunctionName, functions } from '../../infra/functions.ts'

let dir: string
let sizes: Record<FunctionName, BundleSize>
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'su-build-'))
  sizes = await buildAll(dir)
}, 60_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const names = Object.keys(functions) as FunctionName[]

it.each(names)('every late part of %s loads', async (name) => {
  const late = readdirSync(join(dir, name)).filter((file) => file.endsWith('.mjs') && file !== 'index.mjs')
  expect(late.length).toBeGreaterThan(0)
  const script = late.map((file) => `await import(${JSON.stringify(join(dir, name, file))})`).join('\n')
  // A process of its own: the parts would share this one's modules.
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
})

describe('what is loaded before the first answer', () => {
  it('is no more than it may be, and the limits are near to what it is', () => {
    expect(oversized(sizes)).toEqual([])
    for (const name of names) {
      expect(kilobytes(sizes[name].atStart), name).toBeGreaterThan(bundleLimits[name] * 0.8)
      expect(sizes[name].later, name).toBeGreaterThan(0)
    }
  })

  it('is nothing that the first answer does not need', () => {
    const late = {
      // A large body, a page by timestamps, metrics, an item of Ethereum.
      su: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', '@noble/curves', 'prom-client'],
      relay: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', 'hono', '@noble/curves'],
      packer: ['@neondatabase/serverless', 'drizzle-orm', 'hono', '@noble/curves'],
      reconciler: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', 'hono', '@noble/curves'],
      height: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', 'hono', '@noble/curves'],
      router: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', '@noble/curves', 'prom-client'],
      mig: [
        '@aws-sdk/client-s3',
        '@aws-sdk/client-lambda',
        '@neondatabase/serverless',
        'drizzle-orm',
        'hono',
        '@noble/curves',
      ],
      migPlacements: ['@aws-sdk/client-s3', '@neondatabase/serverless', 'drizzle-orm', 'hono', '@noble/curves'],
      migrate: ['@aws-sdk/client-s3', '@aws-sdk/client-dynamodb', 'pg', 'hono', '@noble/curves'],
    } satisfies Record<FunctionName, string[]>
    for (const name of names) {
      const loaded = [...sizes[name].packages.keys()]
      expect(loaded, name).toContain('functions')
      for (const each of [...late[name], '@aws-lambda-powertools/metrics']) expect(loaded, name).not.toContain(each)
    }
  })

  it('is refused with a sentence where it is larger', () => {
    const large: BundleSize = {
      atStart: 2_000_000,
      later: 0,
      packages: new Map([
        ['small', 1],
        ['of-most-of-it', 1_900_000],
      ]),
    }
    expect(oversized({ su: large, height: { ...large, atStart: 1 } }, { su: 500, height: 1 })).toEqual([
      'su loads 1954 KB before its first answer and may load 500 (infra/bundle-sizes.ts). Most of it: of-most-of-it 1856, small 1.',
    ])
    expect(oversized({ su: large }, {})).toHaveLength(1)
  })
})
