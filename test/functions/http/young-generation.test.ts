/** Buffers that were sent do not pile up outside the heap, however large the platform makes the young generation. */
import { expect, it } from 'vitest'
import { pageBytesSent } from '../../../functions/http/young-generation.ts'

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
