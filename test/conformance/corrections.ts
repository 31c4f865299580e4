/** What is right where the reference is wrong, refuses what clients ask, or says too little (contract, "Deviation"). */
import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import type { Profile } from './recorded.ts'
import { A, type Answer, B, dataOf, id, txs } from './world.ts'

/** Says what is wrong with an answer; undefined: nothing. `answers` are all of the run, by step. */
export type Correction = (answer: Answer, answers: ReadonlyMap<string, Answer>) => string | undefined

const tags = v.array(v.object({ name: v.string(), value: v.string() }))
const node = v.object({
  message: v.nullable(v.object({ id: v.string(), data: v.nullable(v.string()) })),
  assignment: v.object({ id: v.string(), tags }),
})
type Node = v.InferOutput<typeof node>
const page = v.object({ edges: v.array(v.object({ node })) })
const receipt = v.strictObject({ id: v.pipe(v.string(), v.regex(/^[\w-]{43}$/)), timestamp: v.number() })
const error = v.looseObject({ error: v.pipe(v.string(), v.nonEmpty()) })

const valuesOf = ({ assignment }: Node, name: string) =>
  assignment.tags.filter((tag) => tag.name === name).map(({ value }) => value)

/** A correction that wants a status and a body of that shape, then looks closer. */
const shaped =
  <T>(
    status: number,
    schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>,
    check: (body: T, answers: ReadonlyMap<string, Answer>) => string | undefined = () => undefined,
  ): Correction =>
  (answer, answers) => {
    if (answer.status !== status) return `status ${answer.status}, not ${status}: ${answer.text.slice(0, 150)}`
    const parsed = v.safeParse(schema, answer.json)
    return parsed.success ? check(parsed.output, answers) : `not of its shape: ${v.summarize(parsed.issues)}`
  }

const unless = (fine: boolean, fault: string) => (fine ? undefined : fault)

const refused = (status: number) => shaped(status, error)
const accepted = shaped(200, receipt)

/** The answer of an earlier step, once more. */
const sameReceipt = (step: string) =>
  shaped(200, receipt, (body, answers) => {
    const before = v.parse(receipt, answers.get(step)?.json)
    return unless(body.id === before.id, `another id than '${step}' got`)
  })
const sameBody =
  (step: string): Correction =>
  ({ status, json }, answers) =>
    unless(status === 200 && isDeepStrictEqual(json, answers.get(step)?.json), `not the answer of '${step}'`)

const noncesOf = (nodes: Node[]) => nodes.map((one) => Number(valuesOf(one, 'Nonce')[0]))
const pageOf = (...nonces: number[]) =>
  shaped(200, page, ({ edges }) => {
    const found = noncesOf(edges.map((edge) => edge.node))
    return unless(isDeepStrictEqual(found, nonces), `nonces ${found}, not ${nonces}`)
  })

/** The message with its data, what is not UTF-8 replaced. */
const message = (name: 'msgBinary' | 'msgUtf8') =>
  shaped(200, node, (body) => {
    if (body.message?.id !== id(name)) return 'not the message'
    const data = new TextDecoder('utf-8', { ignoreBOM: true }).decode(dataOf(name))
    return unless(body.message.data === data, 'not its data')
  })

const assignmentIn = (process: string) =>
  shaped(200, node, (body) => {
    if (body.message !== null) return 'a transaction shows no message'
    return unless(valuesOf(body, 'Process')[0] === process, 'not an assignment of this process')
  })

/** After the two messages of the end, three transactions: what the last ones exclude. */
const scheduleAfterAssigns = shaped(200, page, ({ edges }) => {
  const nodes = edges.map((edge) => edge.node)
  const found = noncesOf(nodes)
  if (!isDeepStrictEqual(found, [25, 26, 27, 28, 29])) return `nonces ${found}`
  const [base, base2, base3] = nodes.slice(2)
  if (!base || !base2 || !base3) return 'not three assignments'
  if (base.message !== null || valuesOf(base, 'Message')[0] !== txs.base.id) return 'not the assigned transaction'
  if (!isDeepStrictEqual(valuesOf(base2, 'Exclude'), ['Data', 'Tags'])) return 'Data and Tags are not excluded'
  return unless(valuesOf(base3, 'Exclude').length === 0, 'an empty exclude excludes something')
})

/** The reference's is empty, and an empty answer hangs behind some function URLs. */
const healthy = shaped(200, v.strictObject({ status: v.literal('ok') }))

const metrics: Correction = ({ status, text }) => {
  if (status !== 200) return `status ${status}`
  const names = ['su_core_metrics_duration_milliseconds', 'message_save_failures']
  const missing = names.filter((name) => !text.includes(name))
  return unless(missing.length === 0, `without ${missing}`)
}

const status =
  (...fine: number[]): Correction =>
  (answer) =>
    unless(fine.includes(answer.status), `status ${answer.status}, not ${fine.join(' or ')}`)

/** Which unit gets a spawn is the router's to balance. A redirect of the reference has no body. */
const placed: Correction = ({ status, location }) =>
  unless(status === 307 && /^<unit [12]>\/$/.test(location ?? ''), `status ${status}, location ${location}`)

/** To the unit that got that spawn, path and query as asked. */
const follows =
  (spawn: string, path: string): Correction =>
  ({ status, location }, answers) => {
    const unit = answers.get(spawn)?.location?.slice(0, -1)
    return unless(
      status === 307 && location === unit + path,
      `status ${status}, location ${location}, not ${unit}${path}`,
    )
  }

export const corrections: Record<Profile, Record<string, Correction>> = {
  main: {
    // Parameters that clients leave out or call otherwise.
    'a message by id, no process named': sameBody('a message by id'),
    'a process by its assignment id': shaped(200, node, (body) => unless(body.message?.id === A, 'not the process')),
    // HyperBEAM's current slot and dry runs of a fresh process need its own record.
    'latest of a process without messages': shaped(200, node, (body) =>
      unless(body.message?.id === A && valuesOf(body, 'Nonce')[0] === '0', 'not the record of the process'),
    ),
    'not an id': refused(400),
    'not an id, process named': refused(400),
    'schedule, proc-id instead of process-id': pageOf(0, 1, 2),
    'schedule, no process-id': pageOf(0, 1),
    'schedule, another process-id': pageOf(0, 1),
    // A retry within its window.
    'message 1 to A again': sameReceipt('message 1 to A'),
    'assign, only process-id, with a message': sameReceipt('message 1 to B'),
    'assign, the same ao message': sameReceipt('assign, an ao message'),
    'assign, base layer, again': sameReceipt('assign, base layer'),
    // A NUL in the data, which the reference cannot store.
    'post msgBinary': accepted,
    'read msgBinary': message('msgBinary'),
    'post msgUtf8': accepted,
    'read msgUtf8': message('msgUtf8'),
    // The reference refuses every assign of the base layer, and finds no assigned transaction.
    'assign, base layer': accepted,
    'assign, base layer, to another process': accepted,
    'assign, base layer, own settlement depth': accepted,
    'assign, base layer, exclude': accepted,
    'assign, base layer, exclude nothing': accepted,
    'read the assigned ao message': assignmentIn(B),
    'read the assigned tx': assignmentIn(A),
    'schedule of A after the assignments': scheduleAfterAssigns,
    // Where the reference drops the connection.
    'schedule, limit=0': refused(400),
    'post 4 KB of zeros': refused(400),
    // The platform may answer this one itself, in its own words.
    'post 11 MB': status(413),
    options: status(200),
    health: healthy,
    put: status(404, 405),
    delete: status(404, 405),
    metrics,
  },
  'no-process-assignment': { 'assign, base layer': accepted, 'schedule of B': pageOf(0) },
  'max-size': { 'an assignment': accepted },
  whitelist: {},
  router: {
    'spawn A': placed,
    'spawn B': placed,
    'spawn by a pinned wallet': placed,
    'spawn procAnchor': placed,
    'spawn procEmptyData': placed,
    'spawn procOnBootData': placed,
    'spawn procLowercase': placed,
    // What its unit would refuse, the router may refuse too.
    'spawn procNoModule': status(307, 400),
    // The reference sends a process that is spawned again to another unit, and forgets the first.
    'spawn A again': follows('spawn A', '/'),
    'message to A': follows('spawn A', '/'),
    'message to B': follows('spawn B', '/?x=1'),
    // Passed on to a unit that never saw the spawn: redirects are not followed here.
    assign: status(200, 400),
    'info of A': follows('spawn A', `/?process-id=${A}`),
    'timestamp of A': follows('spawn A', `/timestamp?process-id=${A}`),
    'schedule of A': follows('spawn A', `/${A}?process-id=${A}&limit=2&from-nonce=3`),
    'message of A': follows('spawn A', `/${id('msg1')}?process-id=${A}`),
    'process A': follows('spawn A', `/processes/${A}`),
    'latest of A': follows('spawn A', `/${A}/latest`),
    // Parameters that clients leave out or call otherwise.
    'schedule of A without process-id': follows('spawn A', `/${A}`),
    'schedule of A by proc-id': follows('spawn A', `/${A}?proc-id=${A}&limit=2`),
    health: healthy,
  },
}
