/** What must hold of a process's log, whatever happened while it was written. */
import { createHash } from 'node:crypto'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { readAssignment } from '../../../core/protocol/assignment.ts'

const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

/** Every fault of the log of a process in words; none when it is sound. Gives the records too. */
export async function audit(store: LogStore, process: string): Promise<{ records: LogRecord[]; faults: string[] }> {
  const head = await store.head(process)
  if (!head) return { records: [], faults: ['no head'] }
  const records = await store.records(process, 0, head.next - 1)
  const faults: string[] = []
  const seen = new Set<string>()
  let previous: { id: Buffer; chain: Buffer; timestamp: number; height: number } | undefined
  for (const [nonce, record] of records.entries()) {
    const fault = (what: string) => faults.push(`nonce ${nonce}: ${what}`)
    if (!record.assignment) {
      fault('no assignment')
      continue
    }
    const assignment = parseDataItem(record.assignment)
    const fields = readAssignment(assignment.tags)
    if (record.nonce !== nonce || fields.nonce !== nonce) fault(`is ${record.nonce} and says ${fields.nonce}`)
    if (fields.process !== process) fault('names another process')
    if (record.kind !== 'process' && fields.message !== record.id) fault('names another message')
    const chain = previous ? sha256(previous.id, previous.chain) : sha256(Buffer.from(process, 'base64url'))
    if (!fields.hashChain.equals(chain)) fault('breaks the hash chain')
    if (fields.timestamp !== record.timestamp) fault('has two timestamps')
    if (previous && fields.timestamp <= previous.timestamp) fault('does not rise in time')
    if (previous && fields.blockHeight < previous.height) fault('falls in height')
    const key = `${record.kind}:${record.id}`
    if (seen.has(key)) fault('is there twice')
    seen.add(key)
    previous = {
      id: Buffer.from(assignment.id, 'base64url'),
      chain: fields.hashChain,
      timestamp: fields.timestamp,
      height: fields.blockHeight,
    }
  }
  const last = records.at(-1)
  if (last?.assignment && head.lastAssignment?.toString('base64url') !== parseDataItem(last.assignment).id) {
    faults.push('the head names another last assignment')
  }
  return { records, faults }
}
