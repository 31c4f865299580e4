/** What is asked for before the head is read: what the page needs, nothing in vain again and again, and never a failure. */
import { expect, it } from 'vitest'
import type { SegmentReader } from '../../../core/ports/segment-store.ts'
import { foreseePage } from '../../../core/read/foresee.ts'
import { createProcessMemory } from '../../../core/read/process-memory.ts'
import { parsePageQuery } from '../../../core/read/query.ts'
import { bareHead } from '../../suites/commits.ts'

const P = 'p'.repeat(43)

function watched(answer: () => Promise<never[]> = async () => []) {
  const asked: (readonly number[])[] = []
  const segments: Pick<SegmentReader, 'blocks'> = {
    blocks: (_, blocks) => {
      asked.push(blocks)
      return answer()
    },
  }
  const memory = createProcessMemory()
  const deps = { segments: segments as SegmentReader, memory }
  return { memory, asked, foresee: (query: string) => foreseePage(deps, P, parsePageQuery(new URLSearchParams(query))) }
}

it.each([
  ['limit=1000', [0, 1, 2, 3]],
  ['', [0]],
  ['from-nonce=-1&limit=257', [0, 1]],
  ['from-nonce=255', [1]],
  ['from-nonce=49000&limit=1000', [191, 192, 193, 194, 195]],
  ['from-nonce=49000&limit=100000', [191, 192, 193, 194, 195, 196]],
])('is the blocks of the page: %s', (query, blocks) => {
  const { asked, foresee } = watched()
  foresee(query)
  expect(asked).toEqual([blocks])
})

it('is nothing where it is not known where the page begins, or no process goes', () => {
  const { asked, foresee } = watched()
  for (const query of ['from=1234', 'from-nonce=2147483647', 'from-nonce=2147483600&limit=1']) foresee(query)
  expect(asked).toEqual([])
})

it('is found by a timestamp that was a cursor', () => {
  const { memory, asked, foresee } = watched()
  memory.remember(P, 1234, { nonce: 999, settled: false })
  foresee('from=1234&limit=100')
  expect(asked).toEqual([[3, 4]])
})

it('is no block that was not whole when the process was seen last', () => {
  const { memory, asked, foresee } = watched()
  memory.saw({ ...bareHead(P), next: 1100 })
  for (const query of ['from-nonce=1050&limit=1000', 'from-nonce=2000', 'from-nonce=1099']) foresee(query)
  expect(asked).toEqual([])
  foresee('from-nonce=700&limit=1000')
  expect(asked).toEqual([[2, 3]])
})

it('concerns nobody when it fails', async () => {
  const { foresee } = watched(() => Promise.reject(new Error('down')))
  foresee('limit=10')
  await new Promise((resolve) => setImmediate(resolve))
})
