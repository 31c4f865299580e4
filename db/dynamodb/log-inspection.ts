/** The records of the log as they are: adapter of `core/ports/log-inspection.ts`. */
import type { LogRecord } from '../../core/log/record.ts'
import type { Damage, LogInspection } from '../../core/ports/log-inspection.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { completeRow, continues, DamagedRow, MAX_CONTINUED_BYTES } from './continuation.ts'
import { reading } from './failures.ts'
import type { Attributes } from './head-row.ts'
import { recordKey, recordRows } from './record-row.ts'

/** @param owner public key of the log's wallet, 512 bytes */
export function createLogInspection(db: DynamoDb, owner: Buffer): LogInspection {
  const rows = recordRows(owner)

  function readable(row: Attributes, process: string, nonce: number): LogRecord | Damage {
    try {
      return rows.fromRow(row, process, nonce)
    } catch {
      return { damage: 'unreadable' }
    }
  }

  return {
    records: (process, nonces) =>
      reading(async () => {
        const keys = nonces.map((nonce) => ({ pk: { S: recordKey(process, nonce) } }))
        const found = new Map<string, Attributes>()
        for (const row of await batchGet(db, db.tables.records, keys, { consistent: true })) {
          if (row.pk?.S !== undefined) found.set(row.pk.S, row)
        }
        const records: (LogRecord | Damage)[] = []
        let continued = 0
        for (const nonce of nonces) {
          if (continued > MAX_CONTINUED_BYTES) break
          const row = found.get(recordKey(process, nonce))
          const whole = row && (await wholeOf(db, row))
          if (whole && continues(whole)) continued += whole.raw?.B?.length ?? 0
          records.push(whole ? readable(whole, process, nonce) : { damage: row ? 'unreadable' : 'missing' })
        }
        return records
      }),
  }
}

/** Undefined where what continues the row is damaged; what cannot be asked is none. */
async function wholeOf(db: DynamoDb, row: Attributes): Promise<Attributes | undefined> {
  try {
    return await completeRow(db, row, { consistent: true })
  } catch (error) {
    if (error instanceof DamagedRow) return undefined
    throw error
  }
}
