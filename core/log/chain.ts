/** Gives entries their places after a head and signs them: the only work that cannot be done before the head is known. */
import { randomBytes } from 'node:crypto'
import { idBytes } from '../ans104/base64url.ts'
import type { Signer } from '../ans104/signer.ts'
import type { Link } from '../ports/log-store.ts'
import type { Meter } from '../ports/meter.ts'
import { assignmentTags, nextHashChain } from '../protocol/assignment.ts'
import type { Entry } from './entry.ts'
import type { Head } from './record.ts'

export interface ChainContext {
  signer: Signer
  meter: Meter
  /** ms; timestamps rise strictly whatever this says. */
  now: number
  /** Height of the network as last known, if ever. Block heights never fall whatever this says. */
  height: number | undefined
}

/** The assignment that follows a head, signed, and the head after it. One signature. */
async function assign(head: Head, message: string | undefined, exclude: readonly string[], context: ChainContext) {
  const hashChain = nextHashChain(head)
  // Strictly rising, so that a timestamp cursor never skips a record. A head without assignments has the spawn's time.
  const timestamp = Math.max(context.now, head.timestamp + (head.lastAssignment ? 1 : 0))
  const blockHeight = Math.max(context.height ?? 0, head.blockHeight)
  const assignment = await context.signer.sign({
    anchor: randomBytes(32),
    tags: assignmentTags({
      process: head.process,
      epoch: head.epoch,
      nonce: head.next,
      hashChain,
      blockHeight,
      timestamp,
      exclude,
      ...(message === undefined ? {} : { message }),
    }),
  })
  context.meter.count('signatures')
  const { lease: _, ...after } = head
  const next: Head = {
    ...after,
    next: head.next + 1,
    hashChain,
    lastAssignment: idBytes(assignment.id),
    timestamp,
    blockHeight,
  }
  return { assignment, hashChain, timestamp, blockHeight, next }
}

/** Chains an entry to a head: its link, and the head after it. Fails only if signing fails. */
export async function chainEntry(
  head: Head,
  { kind, id, item, deepHash, exclude }: Entry,
  context: ChainContext,
): Promise<{ link: Link; head: Head }> {
  const { assignment, hashChain, timestamp, blockHeight, next } = await assign(head, id, exclude, context)
  const link: Link = {
    kind,
    id,
    nonce: head.next,
    timestamp,
    blockHeight,
    assignment: assignment.raw,
    assignmentId: assignment.id,
    hashChain,
    ...(item && { item }),
    ...(deepHash && { deepHash }),
  }
  return { link, head: next }
}

/** A process's own assignment: nonce 0, no `Message` tag. `head` is that of a process without any assignment yet. */
export async function chainProcess(head: Head, context: ChainContext) {
  const { assignment, hashChain, next } = await assign(head, undefined, [], context)
  return { assignment, hashChain, head: next }
}
