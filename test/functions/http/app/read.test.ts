/** `GET` of processes, records and schedules: which keys, in which order, of which types; and by which parameters. */
import { describe, expect, it } from 'vitest'
import { A, B, idFrom, recorded, recordedItem, recordedRaw } from '../../../core/schedule/items.ts'
import type { Unit } from '../../../fakes/unit.ts'
import { expectError, filledApp, getJson, jsonOf, page, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

const keys = (value: unknown): string[] => Object.keys(Object(value))
const tagNames = (tags: unknown): string[] => (Array.isArray(tags) ? tags.map((tag: { name: string }) => tag.name) : [])

interface Edge {
  node: { message: Record<string, unknown> | null; assignment: Record<string, unknown> }
  cursor: unknown
}
const edgesOf = (body: Record<string, unknown>) => body.edges as Edge[]
const nonceOf = ({ node }: Edge) => {
  const tags = node.assignment.tags as { name: string; value: string }[]
  return Number(tags.find(({ name }) => name === 'Nonce')?.value)
}
const nonces = (body: Record<string, unknown>) => edgesOf(body).map(nonceOf)

const assignmentIdOf = async ({ store }: Unit, id: string) => (await store.find(id))[0]?.place.assignment

const MESSAGE = ['id', 'owner', 'data', 'tags', 'signature', 'anchor', 'target']
const ASSIGNMENT = ['id', 'owner', 'tags', 'signature', 'anchor', 'target']
const ASSIGNMENT_TAGS = [
  'Process',
  'Epoch',
  'Nonce',
  'Hash-Chain',
  'Block-Height',
  'Timestamp',
  'Data-Protocol',
  'Type',
  'Variant',
]

describe('GET /{process}', () => {
  it('is a page: page_info, edges, each a node with a cursor', async () => {
    const { app } = await filledApp()
    const body = await getJson(app, page())
    expect(keys(body)).toEqual(['page_info', 'edges'])
    expect(body.page_info).toEqual({ has_next_page: false })
    const edges = edgesOf(body)
    expect(nonces(body)).toEqual([0, 1, 2, 3])
    for (const { node, cursor, ...rest } of edges) {
      expect(rest).toEqual({})
      expect(keys(node)).toEqual(['message', 'assignment'])
      expect(keys(node.message)).toEqual(MESSAGE)
      expect(keys(node.assignment)).toEqual(ASSIGNMENT)
      expect(keys(node.message?.owner)).toEqual(['address', 'key'])
      expect(keys(node.assignment.owner)).toEqual(['address', 'key'])
      expect(node.assignment).toMatchObject({ target: '' })
      expect(cursor).toMatch(/^\d{13}$/)
    }
    expect(edges[0]?.node.message).toMatchObject({ id: A, target: null })
    expect(tagNames(edges[0]?.node.assignment.tags)).toEqual(ASSIGNMENT_TAGS)
    expect(edges[1]?.node.message).toMatchObject({ id: recordedItem('msg1').id, target: A, data: 'message 1' })
    expect(tagNames(edges[1]?.node.assignment.tags)).toEqual([...ASSIGNMENT_TAGS, 'Message'])
  })

  it('has cursors of the kind that was asked by', async () => {
    const { app } = await filledApp()
    const byNonce = edgesOf(await getJson(app, page('&from-nonce=0&limit=2')))
    expect(byNonce.map(({ cursor }) => cursor)).toEqual(['1', '2'])
    const [first] = edgesOf(await getJson(app, page('&limit=2')))
    const next = await getJson(app, page(`&limit=2&from=${first?.cursor}`))
    expect(nonces(next)).toEqual([1, 2])
    expect(next.page_info).toEqual({ has_next_page: true })
  })

  it.each([
    ['with process-id', `/${A}?process-id=${A}`],
    ['without, as aoconnect', `/${A}`],
    ['with proc-id, as HyperBEAM', `/${A}?proc-id=${A}`],
    ['with both', `/${A}?proc-id=${B}&process-id=${A}`],
    ['with another process', `/${A}?process-id=${B}`],
    ['with an unknown one', `/${A}?process-id=${idFrom('nobody')}`],
    ['with an empty one', `/${A}?process-id=`],
    ['with several', `/${A}?process-id=${A}&process-id=${B}`],
    ['with nonsense', `/${A}?process-id=%E0%A4%A%00&colour=red&limit2=x&=&&`],
  ])('is served %s', async (_, path) => {
    const { app } = await filledApp()
    expect(nonces(await getJson(app, path))).toEqual([0, 1, 2, 3])
  })

  it('refuses bounds that are none, by name', async () => {
    const { app } = await filledApp()
    for (const [parameters, name] of [
      ['limit=0', 'limit'],
      ['limit=-1', 'limit'],
      ['limit=', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=2147483648', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['from=', 'from'],
      ['from=1.5', 'from'],
      ['from=9223372036854775808', 'from'],
      ['to=1&to=2', 'to'],
      ['to-nonce=2147483648', 'to-nonce'],
      ['from-nonce=%20%31', 'from-nonce'],
      ['from-nonce=1_0', 'from-nonce'],
    ]) {
      const { error } = await expectError(app.request(page(`&${parameters}`)), 400, 'invalid-request')
      expect(error).toMatch(new RegExp(`^${name} `))
    }
    // Timestamps do not count where a nonce parameter is there.
    expect(nonces(await getJson(app, page('&from-nonce=1&from=x&to=')))).toEqual([2, 3])
  })

  it('shows the anchor of an assignment where it is asked for', async () => {
    const { app } = await filledApp()
    const anchors = async (parameters: string) =>
      edgesOf(await getJson(app, page(parameters))).map(({ node }) => node.assignment.anchor)
    // 32 random bytes: as good as never UTF-8.
    expect(await anchors('&limit=1')).toEqual([null])
    for (const parameter of ['show-anchor', 'show-anchor=', 'show-anchor=false']) {
      expect(await anchors(`&limit=1&${parameter}`)).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
    }
  })

  it('of an unknown process is an error, of one without messages an empty page beyond it', async () => {
    const { app } = await filledApp()
    await expectError(app.request(page('', idFrom('nobody'))), 400, 'not-found')
    expect(await getJson(app, page('&from-nonce=0', B))).toEqual({ page_info: { has_next_page: false }, edges: [] })
  })

  it('of a frozen process goes on, of an incomplete one not', async () => {
    const { app, unit } = await filledApp()
    await unit.store.setState(A, 'open', 'frozen')
    expect(nonces(await getJson(app, page()))).toEqual([0, 1, 2, 3])
    await unit.store.setState(A, 'frozen', 'incomplete')
    for (const path of [page(), `/${A}/latest`, `/processes/${A}`, `/${recordedItem('msg1').id}`]) {
      await expectError(app.request(path), 503, 'incomplete')
    }
  })
})

describe('GET /{message or assignment}', () => {
  it('is one node, right after the write', async () => {
    const { app, unit } = await filledApp()
    const { id } = recordedItem('msg2')
    const assignment = await assignmentIdOf(unit, id)
    for (const path of [
      `/${id}?process-id=${A}`,
      `/${id}`,
      `/${id}?process-id=${B}`,
      `/${id}?proc-id=${A}`,
      `/${assignment}?process-id=${A}`,
      `/${assignment}`,
    ]) {
      const body = await getJson(app, path)
      expect(keys(body)).toEqual(['message', 'assignment'])
      expect(keys(body.message)).toEqual(MESSAGE)
      expect(keys(body.assignment)).toEqual(ASSIGNMENT)
      expect(body).toMatchObject({ message: { id, data: 'message 2' }, assignment: { id: assignment } })
    }
  })

  it('of an assigned transaction has no message', async () => {
    const { app } = await filledApp()
    const transaction = recorded.txs.base.id
    const { id } = await jsonOf(post(app, undefined, `/?process-id=${A}&assign=${transaction}&base-layer`))
    for (const path of [`/${transaction}`, `/${transaction}?process-id=${A}`, `/${id}`]) {
      expect(await getJson(app, path)).toMatchObject({ message: null, assignment: { id } })
    }
  })

  it('names the process by which it is preferred', async () => {
    const { app, unit } = await filledApp()
    const transaction = recorded.txs.base.id
    for (const process of [A, B]) {
      // The oldest is what counts where none is named.
      await unit.clock.run(unit.clock.sleep(1000))
      await post(app, undefined, `/?process-id=${process}&assign=${transaction}&base-layer`)
    }
    const processOf = async (query: string) => {
      const { assignment } = await getJson(app, `/${transaction}${query}`)
      const tags = Object(assignment).tags as { name: string; value: string }[]
      return tags[0]?.value
    }
    expect(await processOf('')).toBe(A)
    expect(await processOf(`?process-id=${A}`)).toBe(A)
    expect(await processOf(`?process-id=${B}`)).toBe(B)
    expect(await processOf(`?proc-id=${B}`)).toBe(B)
    expect(await processOf(`?process-id=&proc-id=${B}`)).toBe(B)
    expect(await processOf(`?process-id=${idFrom('nobody')}`)).toBe(A)
  })

  it('of an unknown id is an error', async () => {
    const { app } = await filledApp()
    await expectError(app.request(`/${idFrom('nobody')}?process-id=${A}`), 400, 'not-found')
  })
})

describe('GET /{process}/latest', () => {
  it('is the newest record', async () => {
    const { app } = await filledApp()
    const body = await getJson(app, `/${A}/latest?process-id=x`)
    expect(keys(body)).toEqual(['message', 'assignment'])
    expect(body).toMatchObject({ message: { id: recordedItem('msg3').id } })
  })

  it('of a process without messages is the process, which HyperBEAM and dry runs ask for', async () => {
    const { app } = await filledApp()
    expect(await getJson(app, `/${B}/latest`)).toMatchObject({ message: { id: B } })
  })

  it('of no process is an error', async () => {
    const { app } = await filledApp()
    for (const id of [idFrom('nobody'), recordedItem('msg1').id, 'nonsense']) {
      await expectError(app.request(`/${id}/latest`), 400, 'not-found')
    }
  })
})

describe('GET /processes/{process}', () => {
  it('is the process, with block and time of its assignment', async () => {
    const { app, unit } = await filledApp()
    const body = await getJson(app, `/processes/${A}`)
    expect(keys(body)).toEqual([
      'process_id',
      'block',
      'owner',
      'tags',
      'timestamp',
      'data',
      'anchor',
      'signature',
      'target',
    ])
    const [record] = await unit.store.records(A, 0, 0)
    expect(body).toMatchObject({
      process_id: A,
      block: '000001800000',
      timestamp: record?.timestamp,
      data: "print('hello')",
      anchor: null,
      target: null,
    })
  })

  it('has no data where the process has no assignment, nor where it is not UTF-8', async () => {
    const { app } = createUnitApp({ rules: { processAssignment: false } })
    await post(app, recordedRaw('procA'))
    expect(await getJson(app, `/processes/${A}`)).toMatchObject({ block: '000001800000', data: null })
    expect(await getJson((await filledApp()).app, `/processes/${B}`)).toMatchObject({ data: null })
  })

  it('of what is no process here is an error', async () => {
    const { app } = await filledApp()
    for (const id of [idFrom('nobody'), recordedItem('msg1').id, 'nonsense']) {
      await expectError(app.request(`/processes/${id}`), 400, 'not-found')
    }
  })
})
