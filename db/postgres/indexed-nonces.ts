/** What the metadata say of nonces: adapter of `IndexedNonces` (core/ports/restore-sources.ts). */
import { and, asc, between, eq, gt, gte, sql } from 'drizzle-orm'
import type { Nonce } from '../../core/ports/log-restore.ts'
import type { IndexedNonces } from '../../core/ports/restore-sources.ts'
import type { Database } from './client.ts'
import { unavailable } from './failures.ts'
import { messages, processes } from './schema.ts'

const PROCESSES_A_QUERY = 1_000

export function createIndexedNonces(database: Database): IndexedNonces {
  /** Each process has a row in `processes` once it has one in `messages`; its last nonce is one look into an index. */
  const endsAfter = async (process: string): Promise<Nonce[]> => {
    // Both tables have columns of one name, which drizzle does not tell apart within a text of SQL.
    const last = sql<string | null>`(select max(m.nonce) from ${messages} m where m.process = ${processes}."id")`
    const rows = await database
      .select({ process: processes.id, nonce: last })
      .from(processes)
      .where(gt(processes.id, process))
      .orderBy(asc(processes.id))
      .limit(PROCESSES_A_QUERY)
    return rows.map((row) => ({ process: row.process, nonce: Number(row.nonce ?? -1) }))
  }

  return {
    async *ends() {
      for (let last = ''; ; ) {
        const page = await asking(() => endsAfter(last))
        if (page.length > 0) yield page
        if (page.length < PROCESSES_A_QUERY) return
        last = page.at(-1)?.process ?? ''
      }
    },

    between: (process, from, to) =>
      asking(async () => {
        const rows = await database
          .select({
            nonce: messages.nonce,
            kind: messages.kind,
            id: messages.id,
            assignmentId: messages.assignmentId,
            timestamp: messages.timestamp,
            blockHeight: messages.blockHeight,
          })
          .from(messages)
          .where(and(eq(messages.process, process), between(messages.nonce, from, to)))
          .orderBy(asc(messages.nonce))
        return rows.map(({ assignmentId, ...row }) => ({ ...row, ...(assignmentId !== null && { assignmentId }) }))
      }),

    counts: (ranges) =>
      asking(async () => {
        const asked = JSON.stringify(ranges.map((range, place) => ({ place, ...range })))
        const { rows } = await database.execute<{ rows: string; last: string | null; listed: boolean }>(sql`
          select counted.rows, latest.last, exists (select from ${processes} p where p.id = asked.process) as listed
          from jsonb_to_recordset(${asked}::jsonb) as asked(place int, process text, "from" bigint, next bigint)
          cross join lateral (
            select count(*) as rows from ${messages} m
            where m.process = asked.process and m.nonce >= asked."from" and m.nonce < asked.next
          ) as counted
          cross join lateral (select max(m.nonce) as last from ${messages} m where m.process = asked.process) as latest
          order by asked.place`)
        return rows.map(({ rows: count, last, listed }) => ({
          rows: Number(count),
          ...(last !== null && { last: Number(last) }),
          listed,
        }))
      }),

    forget: (process, from) =>
      asking(async () => {
        const lost = database.delete(messages).where(and(eq(messages.process, process), gte(messages.nonce, from)))
        // Without its first nonce the process itself is not there any more.
        if (from <= 0) await database.batch([lost, database.delete(processes).where(isLost(process, from))])
        else await lost
      }),
  }
}

/** A process whose own row was at -1 is still there when nonce 0 is lost. */
const isLost = (process: string, from: number) =>
  and(
    eq(processes.id, process),
    sql`not exists (select 1 from ${messages} where ${messages.process} = ${process} and ${messages.nonce} < ${from})`,
  )

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw unavailable(error)
  }
}
