/** What everything that inspects a log does, fake or real. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../../core/log/record.ts'
import type { ImportedRecord, LogImport } from '../../core/ports/log-import.ts'
import type { Damage, LogInspection } from '../../core/ports/log-inspection.ts'
import { createFakeSigner } from '../fakes/signer.ts'
import { digested } from './digested.ts'

export interface LogInspectionUnderTest {
  inspection: LogInspection
  /** Into the same log. */
  imports: LogImport
  /** Makes a record one that cannot be read. */
  spoil(process: string, nonce: number): Promise<void>
}

const recordAt = (process: string, nonce: number): ImportedRecord => ({
  process,
  nonce,
  kind: 'transaction',
  id: randomBytes(32).toString('base64url'),
  assignmentId: randomBytes(32).toString('base64url'),
  timestamp: nonce + 10,
  timeKey: nonce + 10,
  blockHeight: 1,
})

export function logInspectionSuite(name: string, open: () => LogInspectionUnderTest): void {
  describe(`log inspection: ${name}`, () => {
    it('gives what there is in the order asked, and says what is missing or cannot be read', async () => {
      const { inspection, imports, spoil } = open()
      const process = randomBytes(32).toString('base64url')
      const records = Array.from({ length: 130 }, (_, nonce) => recordAt(process, nonce))
      await imports.add(records.filter(({ nonce }) => nonce !== 50))
      await spoil(process, 60)
      const plain = records.map(({ assignmentId: _, ...record }) => record)
      const nonces = [...plain.keys(), 131].reverse()
      expect(await inspection.records(process, nonces)).toEqual(
        nonces.map((nonce) => {
          if (nonce === 60) return { damage: 'unreadable' }
          return nonce === 50 || nonce > 130 ? { damage: 'missing' } : plain[nonce]
        }),
      )
      expect(await inspection.records(process, [])).toEqual([])
    })

    it('gives large ones as they are, the first of them at least', async () => {
      const { inspection, imports } = open()
      const process = randomBytes(32).toString('base64url')
      const records: ImportedRecord[] = []
      for (const [nonce, bytes] of [5_000_000, 100, 5_000_000, 100, 5_000_000].entries()) {
        const { raw } = await createFakeSigner().sign({ tags: [], data: randomBytes(bytes) })
        records.push({ ...recordAt(process, nonce), assignment: raw })
      }
      await imports.add(records)
      const nonces = [4, 3, 9, 2, 1, 0]
      const found: (LogRecord | Damage)[] = []
      while (found.length < nonces.length) {
        const some = await inspection.records(process, nonces.slice(found.length))
        expect(some.length).toBeGreaterThan(0)
        found.push(...some)
      }
      const plain = records.map(({ assignmentId: _, ...record }) => record)
      expect(found.map(digested)).toEqual(nonces.map((nonce) => digested(plain[nonce] ?? { damage: 'missing' })))
    })
  })
}
