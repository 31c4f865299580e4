/** The records of the log as they are: adapter of `core/ports/log-inspection.ts`. */
import type { LogInspection } from '../../core/ports/log-inspection.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { reading } from './failures.ts'
import type { Attributes } from './head-row.ts'
import { recordKey, recordRows } from './record-row.ts'

/** @param owner public key of the log's wallet, 512 bytes */
export function createLogInspection(db: DynamoDb, owner: Buffer): LogInspection {
  const rows = recordRows(owner)
  return {
    records: (process, nonces) =>
      reading(async () => {
        const keys = nonces.map((nonce) => ({ pk: { S: recordKey(process, nonce) } }))
        const found = new Map<string, Attributes>()
        for (const row of await batchGet(db, db.tables.records, keys, { consistent: true })) {
          if (row.pk?.S !== undefined) found.set(row.pk.S, row)
        }
        return nonces.map((nonce) => {
          const row = found.get(recordKey(process, nonce))
          if (!row) return { damage: 'missing' }
          try {
            return rows.fromRow(row, process, nonce)
          } catch {
            return { damage: 'unreadable' }
          }
        })
      }),
  }
}
