/** A page of the schedule in the plainest way: an array, filters, and JSON.stringify. */
import type { PageQuery } from '../../../core/read/query.ts'
import { assignmentJson, type ModelRecord, messageJson } from './history.ts'

export interface ModelPage {
  page_info: { has_next_page: boolean }
  edges: { node: unknown; cursor: string }[]
}

export function modelPage(records: readonly ModelRecord[], query: PageQuery, maxPageBytes: number): ModelPage {
  const { by, from, to } = query
  const matching = records.filter((record) => {
    if (record.assignment === undefined) return false
    if (record.kind === 'process') return from === undefined || (by === 'nonce' && from === -1)
    const position = by === 'nonce' ? record.nonce : record.timeKey
    return (from === undefined || position > from) && (to === undefined || position <= to)
  })
  const edges = matching.map((record) => edge(record, query))

  let bytes = 64
  let count = 0
  for (const one of edges.slice(0, query.limit)) {
    bytes += Buffer.byteLength(JSON.stringify(one)) + 1
    if (count > 0 && bytes > maxPageBytes) break
    count++
  }
  const key = (index: number) => matching[index]?.timeKey
  if (by === 'timestamp') {
    const full = count
    while (count > 0 && count < matching.length && key(count) === key(count - 1)) count--
    if (count === 0) for (count = full; count < matching.length && key(count) === key(count - 1); ) count++
  }
  return { page_info: { has_next_page: count < matching.length }, edges: edges.slice(0, count) }
}

const edge = ({ item, kind, assignment, nonce, timeKey }: ModelRecord, { by, showAnchor }: PageQuery) => ({
  node: {
    message: item === undefined || kind === 'transaction' ? null : messageJson(item, kind),
    assignment: assignment === undefined ? null : assignmentJson(assignment, showAnchor),
  },
  cursor: String(by === 'nonce' ? nonce : timeKey),
})
