/**
 * Whether a schedule verifies by itself, whatever it says: nonces without a gap, rising times, the hash chain, and the
 * unit's signature on every assignment. Judged with arbundles and Node's own crypto, not with the unit's code.
 */
import { constants, createHash, createPublicKey, verify } from 'node:crypto'
import { deepHash, serializeTags, stringToBuffer } from 'arbundles'
import * as v from 'valibot'
import { addresses, type Question, schedule } from './world.ts'

const assignmentShape = v.object({
  id: v.string(),
  owner: v.object({ address: v.string(), key: v.string() }),
  tags: v.array(v.object({ name: v.string(), value: v.string() })),
  signature: v.string(),
  anchor: v.nullable(v.string()),
  target: v.literal(''),
})
type Assignment = v.InferOutput<typeof assignmentShape>

const pageShape = v.object({
  page_info: v.object({ has_next_page: v.boolean() }),
  edges: v.array(
    v.object({
      node: v.object({ message: v.nullable(v.object({ id: v.string() })), assignment: assignmentShape }),
      cursor: v.string(),
    }),
  ),
})

export interface Audit {
  faults: string[]
  /** Ids of the process, its messages and its assignments: all that must be uploaded. */
  items: string[]
}

/** Asks for the whole schedule of a process and verifies it. */
export async function audit(
  process: string,
  ask: (question: Question) => Promise<{ status: number; json: unknown }>,
): Promise<Audit> {
  const { status, json } = await ask(schedule(process, 'from-nonce=-1', 'limit=5000', 'show-anchor=1'))
  if (status !== 200) return { faults: [`the schedule of ${process} is answered with ${status}`], items: [] }
  const { edges, page_info } = v.parse(pageShape, json)
  const faults = page_info.has_next_page ? [`the schedule of ${process} is cut`] : []
  let previous: Assignment | undefined
  for (const { node, cursor } of edges) {
    for (const fault of await faultsOf(node.assignment, process, previous))
      faults.push(`${process} ${cursor}: ${fault}`)
    if (cursor !== tagOf(node.assignment, 'Nonce')) faults.push(`${process} ${cursor}: the cursor is not the nonce`)
    previous = node.assignment
  }
  const items = edges.flatMap(({ node }) => [node.assignment.id, ...(node.message ? [node.message.id] : [])])
  return { faults, items: [process, ...items] }
}

const bytes = (text: string) => Buffer.from(text, 'base64url')
const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest('base64url')
const tagOf = ({ tags }: Assignment, name: string) => tags.find((tag) => tag.name === name)?.value ?? ''

async function faultsOf(assignment: Assignment, process: string, previous: Assignment | undefined): Promise<string[]> {
  const number = (of: Assignment, name: string) => Number(tagOf(of, name))
  const faults: string[] = []
  const must = (fine: boolean, fault: string) => {
    if (!fine) faults.push(fault)
  }
  must(sha256(bytes(assignment.signature)) === assignment.id, 'the id is not the hash of the signature')
  must(sha256(bytes(assignment.owner.key)) === assignment.owner.address, 'the address is not the hash of the key')
  must(assignment.owner.address === addresses.su, 'signed by another wallet')
  must(await isSigned(assignment), 'the signature does not verify')
  must(tagOf(assignment, 'Process') === process, 'of another process')
  if (!previous) {
    must(number(assignment, 'Nonce') === 0, `begins at nonce ${tagOf(assignment, 'Nonce')}`)
    must(tagOf(assignment, 'Hash-Chain') === sha256(bytes(process)), 'the hash chain does not begin with the process')
    return faults
  }
  const chain = sha256(bytes(previous.id), bytes(tagOf(previous, 'Hash-Chain')))
  must(tagOf(assignment, 'Hash-Chain') === chain, 'the hash chain is broken')
  must(number(assignment, 'Nonce') === number(previous, 'Nonce') + 1, `follows nonce ${tagOf(previous, 'Nonce')}`)
  must(number(assignment, 'Timestamp') > number(previous, 'Timestamp'), 'the timestamp does not rise')
  must(number(assignment, 'Block-Height') >= number(previous, 'Block-Height'), 'the block height falls')
  return faults
}

/** RSA-PSS over the deep hash of the item that the JSON stands for. */
async function isSigned({ owner, signature, anchor, tags }: Assignment): Promise<boolean> {
  const none = Buffer.alloc(0)
  const message = await deepHash([
    stringToBuffer('dataitem'),
    stringToBuffer('1'),
    stringToBuffer('1'),
    bytes(owner.key),
    none,
    anchorBytes(anchor),
    serializeTags(tags),
    none,
  ])
  const key = createPublicKey({ key: { kty: 'RSA', n: owner.key, e: 'AQAB' }, format: 'jwk' })
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  return verify('sha256', message, { key, ...padding }, bytes(signature))
}

/** With `show-anchor`: text where the 32 bytes are UTF-8, else base64url. */
const anchorBytes = (anchor: string | null): Buffer => {
  const text = Buffer.from(anchor ?? '')
  return text.length === 32 ? text : bytes(anchor ?? '')
}
