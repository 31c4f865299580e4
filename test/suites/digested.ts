/** Large records to be compared: equality of megabytes, byte by byte, takes a test seconds. */
import { createHash } from 'node:crypto'
import type { LogRecord } from '../../core/log/record.ts'
import type { Damage } from '../../core/ports/log-inspection.ts'

export const digested = (record: LogRecord | Damage | undefined) =>
  record && 'assignment' in record && record.assignment
    ? { ...record, assignment: createHash('sha256').update(record.assignment).digest('hex') }
    : record
