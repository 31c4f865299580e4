/** What the source of a migration may have: sound, oldest shape, without messages, without a process, damaged. */
import type { SourceMessage, SourceProcess } from '../../core/ports/migration-source.ts'

export interface SourceRows {
  messages: readonly SourceMessage[]
  processes: readonly SourceProcess[]
}

export const [sound, short, silent, stray, damaged] = ['aSound', 'BShort', '_silent', '-stray', 'zDamaged'] as const

export const message = (
  process: string,
  nonce: number,
  row: number,
  more: Partial<SourceMessage> = {},
): SourceMessage => ({
  row,
  process,
  message: `message ${row}`,
  assignment: `assignment ${row}`,
  epoch: 0,
  nonce,
  timestamp: 1_700_000_000_000 + nonce,
  hashChain: `chain ${row}`,
  bundle: Buffer.from([row % 256, 0, 255, 92]),
  ...more,
})

export const assigned = (process: string, row: number): SourceProcess => ({
  row,
  process,
  epoch: 0,
  nonce: 0,
  timestamp: 1_600_000_000_000 + row,
  hashChain: `chain of ${process}`,
  bundle: Buffer.from(process),
})

const unassigned = (process: string, row: number): SourceProcess => ({
  ...assigned(process, row),
  epoch: undefined,
  nonce: undefined,
  timestamp: undefined,
  hashChain: undefined,
})

/** A stray has messages and no process; what is damaged has nonces twice and lacks some. */
export const rows: SourceRows = {
  processes: [assigned(sound, 1), unassigned(short, 2), unassigned(silent, 3), assigned(damaged, 4)],
  messages: [
    message(sound, 1, 1),
    message(short, 0, 2, { assignment: undefined, epoch: 7 }),
    message(sound, 2, 3, { timestamp: 1_800_000_000_000 }),
    message(short, 1, 4),
    message(sound, 3, 5),
    message(stray, 0, 6),
    message(sound, 4, 7),
    message(stray, 1, 8),
    message(sound, 5, 9, { timestamp: Number.MAX_SAFE_INTEGER }),
    message(damaged, 1, 10),
    message(damaged, 3, 12),
    message(damaged, 3, 11),
    message(damaged, 6, 13),
    message(damaged, 6, 14),
    message(damaged, 6, 15),
    message(damaged, 7, 16),
    message(damaged, 9, 17),
  ],
}
