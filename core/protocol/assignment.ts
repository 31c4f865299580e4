/** An assignment's hash chain and tags (contract, "Words" and "The assignment's tags, in this order"). */
import { hash } from 'node:crypto'
import { idBytes, isId } from '../ans104/base64url.ts'
import { type Tag, tagValue } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'

/** The end of a process's chain, as a head holds it. */
export interface ChainEnd {
  process: string
  /** Chain value of the last assignment, 32 bytes; none when nothing is assigned yet. */
  hashChain?: Buffer
  /** Id of the last assignment, 32 bytes; none when nothing is assigned yet. */
  lastAssignment?: Buffer
}

/** Chain value of the assignment that comes next, 32 bytes. */
export function nextHashChain({ process, hashChain, lastAssignment }: ChainEnd): Buffer {
  if (hashChain === undefined && lastAssignment === undefined) return hash('sha256', idBytes(process), 'buffer')
  if (hashChain?.length !== 32 || lastAssignment?.length !== 32) {
    throw new Error('A chain goes on from the last assignment and its chain value, 32 bytes each.')
  }
  return hash('sha256', Buffer.concat([lastAssignment, hashChain]), 'buffer')
}

/** What an assignment says. */
export interface AssignmentFields {
  process: string
  epoch: number
  nonce: number
  /** Chain value of this assignment, 32 bytes. */
  hashChain: Buffer
  blockHeight: number
  /** ms */
  timestamp: number
  /** Id of the message or of the assigned transaction; none on a process's own assignment. */
  message?: string
  /** Values of `Exclude`, as they stand. */
  exclude?: readonly string[]
}

/** Where a page's `block_height` and an assignment's `Block-Height` want it: in 12 digits. */
export const paddedHeight = (blockHeight: number): string => String(blockHeight).padStart(12, '0')

/** The tags of a new assignment, in the contract's order. */
export function assignmentTags(fields: AssignmentFields): Tag[] {
  const tags: Tag[] = [
    { name: 'Process', value: fields.process },
    { name: 'Epoch', value: String(fields.epoch) },
    { name: 'Nonce', value: String(fields.nonce) },
    { name: 'Hash-Chain', value: fields.hashChain.toString('base64url') },
    { name: 'Block-Height', value: paddedHeight(fields.blockHeight) },
    { name: 'Timestamp', value: String(fields.timestamp) },
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Assignment' },
    { name: 'Variant', value: 'ao.TN.1' },
  ]
  if (fields.message !== undefined) tags.push({ name: 'Message', value: fields.message })
  for (const value of fields.exclude ?? []) tags.push({ name: 'Exclude', value })
  return tags
}

/** The part of it that every assignment has, the oldest stored shape's too. */
export type AssignedPlace = Pick<AssignmentFields, 'epoch' | 'nonce' | 'hashChain' | 'blockHeight' | 'timestamp'>

/**
 * Reads the fields back; of several tags with one name the first counts. Throws `invalid-item` where one is missing or
 * malformed. Other tags are passed over: what a foreign unit signed need not be what `assignmentTags` makes of it.
 */
export function readAssignment(tags: readonly Tag[]): AssignmentFields & { exclude: readonly string[] } {
  const message = tagValue(tags, 'Message')
  return {
    process: idTag('Process', tagValue(tags, 'Process')),
    ...readPlace(tags),
    ...(message === undefined ? {} : { message: idTag('Message', message) }),
    exclude: tags.filter(({ name }) => name === 'Exclude').map(({ value }) => value),
  }
}

/** Likewise. */
export const readPlace = (tags: readonly Tag[]): AssignedPlace => ({
  epoch: numberTag(tags, 'Epoch'),
  nonce: numberTag(tags, 'Nonce'),
  // Written like an id: 32 bytes.
  hashChain: idBytes(idTag('Hash-Chain', tagValue(tags, 'Hash-Chain'))),
  ...readMoment(tags),
})

/** When something was accepted: all that a process without an assignment has. Likewise. */
export const readMoment = (tags: readonly Tag[]): Pick<AssignmentFields, 'blockHeight' | 'timestamp'> => ({
  blockHeight: numberTag(tags, 'Block-Height'),
  timestamp: numberTag(tags, 'Timestamp'),
})

const malformed = (name: string) =>
  new SchedulerError('invalid-item', `The assignment's ${name} tag is missing or malformed.`)

function idTag(name: string, value: string | undefined): string {
  if (value === undefined || !isId(value)) throw malformed(name)
  return value
}

function numberTag(tags: readonly Tag[], name: string): number {
  const value = tagValue(tags, name)
  const number = Number(value)
  if (value === undefined || !/^\d+$/.test(value) || !Number.isSafeInteger(number)) throw malformed(name)
  return number
}
