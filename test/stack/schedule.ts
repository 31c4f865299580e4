/** A process's schedule as a compute unit reads it, and what must be true of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { LocalGateway } from '../../local/gateway.ts'
import type { Item } from './client.ts'

interface Edge {
  node: { message: { id: string } | null; assignment: { id: string; tags: { name: string; value: string }[] } }
  cursor: string
}

/** All edges, page after page, by nonce. */
export async function readSchedule(url: string, process: string, limit = 200): Promise<Edge[]> {
  const edges: Edge[] = []
  for (let from = -1; ; ) {
    const response = await fetch(`${url}/${process}?process-id=${process}&from-nonce=${from}&limit=${limit}`)
    expect(response.status, 'a page of the schedule').toBe(200)
    const page = (await response.json()) as { page_info: { has_next_page: boolean }; edges: Edge[] }
    edges.push(...page.edges)
    if (!page.page_info.has_next_page) return edges
    from = Number(edges.at(-1)?.cursor)
  }
}

const tag = ({ node }: Edge, name: string) => node.assignment.tags.find((one) => one.name === name)?.value

/** Nonces 0, 1, 2 …, times that rise, and each of these items exactly once, nothing else. Gives the schedule. */
export async function expectScheduled(
  url: string,
  process: string,
  items: readonly Pick<Item, 'id'>[],
): Promise<Edge[]> {
  const edges = await readSchedule(url, process)
  expect(edges.map((edge) => Number(tag(edge, 'Nonce')))).toEqual(edges.map((_, nonce) => nonce))
  const times = edges.map((edge) => Number(tag(edge, 'Timestamp')))
  expect(times.every((time, i) => i === 0 || time > (times[i - 1] ?? 0))).toBe(true)
  expect(edges.map(({ node }) => node.message?.id).sort()).toEqual([process, ...items.map(({ id }) => id)].sort())
  return edges
}

/** Everything of a schedule must come to the bundler, at last. */
export async function expectUploaded(
  gateway: LocalGateway | undefined,
  edges: readonly Edge[],
  withinMs: number,
): Promise<void> {
  const wanted = edges.flatMap(({ node }) => [node.assignment.id, ...(node.message ? [node.message.id] : [])])
  const missing = () => {
    const there = new Set(gateway?.uploads().flatMap(({ path, id }) => (path.startsWith('/tx') ? [id] : [])))
    return wanted.filter((id) => !there.has(id))
  }
  const end = Date.now() + withinMs
  while (missing().length > 0 && Date.now() < end) await sleep(100)
  expect(missing(), 'what never came to the bundler').toEqual([])
}
