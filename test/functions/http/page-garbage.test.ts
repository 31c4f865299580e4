/** Buffers that were sent do not pile up outside the heap, however large the platform makes the young generation. */
import { expect, it } from 'vitest'
import { pageBytesSent } from '../../../functions/http/page-garbage.ts'

it('gives back what was sent', () => {
  const piece = 65_536
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let sent = 0; sent < 500_000_000; sent += piece) {
    Buffer.allocUnsafeSlow(piece)
    pageBytesSent(piece)
    if (sent % 1_000_000 < piece) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  expect(most).toBeLessThan(12_000_000)
})

it('gives back what was kept for a while, and collects no more often where much is alive', () => {
  const piece = 65_536
  const before = process.memoryUsage().arrayBuffers
  const alive: Buffer[] = Array.from({ length: 50 }, () => Buffer.alloc(1_000_000))
  const kept: Buffer[] = []
  let most = 0
  for (let sent = 0; sent < 500_000_000; sent += piece) {
    kept.push(Buffer.allocUnsafeSlow(piece))
    // Long enough for V8 to take it for what stays.
    if (kept.length > 200) kept.shift()
    pageBytesSent(piece)
    if (sent % 1_000_000 < piece) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  expect(alive.every((one) => one[0] === 0)).toBe(true)
  expect(most).toBeLessThan(130_000_000)
})
