/**
 * What differs from run to run in an answer, made equal: times, heights, and an assignment's id, signature, hash chain and
 * anchor. Only what has the right form is masked, so that a number of the wrong kind still differs.
 */
import { addresses, isItemId } from './world.ts'

type Members = Record<string, unknown>

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null

const maskedTags: Record<string, { form: RegExp; mask: string }> = {
  Timestamp: { form: /^1\d{12}$/, mask: '<Timestamp>' },
  'Hash-Chain': { form: /^[\w-]{43}$/, mask: '<Hash-Chain>' },
  'Block-Height': { form: /^\d{12}$/, mask: '<height>' },
}

const SIGNATURE = /^[\w-]{683}$/
const ID = /^[\w-]{43}$/

/** The mask where the value is a text of that form, else the value as it is. */
const masked = (value: unknown, form: RegExp, mask: string): unknown =>
  typeof value === 'string' && form.test(value) ? mask : value

export function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask)
  if (!isMembers(value)) return value
  const members: Members = Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mask(member)]))
  if (isAssignment(members)) maskAssignment(members)
  for (const key of ['block', 'block_height']) {
    if (key in members) members[key] = masked(members[key], /^\d{12}$/, '<height>')
  }
  if ('cursor' in members) members.cursor = masked(members.cursor, /^1\d{12}$/, '<timestamp>')
  if ('timestamp' in members) members.timestamp = maskTimestamp(members.timestamp)
  if ('address' in members && members.address === addresses.su) members.address = '<su>'
  if ('timestamp' in members && typeof members.id === 'string' && !isItemId(members.id)) {
    members.id = masked(members.id, ID, '<assignment id>')
  }
  return members
}

const isTag = (tag: unknown): tag is { name: string; value: unknown } =>
  isMembers(tag) && typeof tag.name === 'string' && 'value' in tag

const isAssignment = ({ tags }: Members): boolean =>
  Array.isArray(tags) && tags.some((tag) => isTag(tag) && tag.name === 'Hash-Chain')

/** In place: the order of the members is part of the answer. */
function maskAssignment(members: Members): void {
  members.id = masked(members.id, ID, '<assignment id>')
  members.signature = masked(members.signature, SIGNATURE, '<signature>')
  if (typeof members.anchor === 'string') members.anchor = '<anchor>'
  if (isMembers(members.owner)) members.owner.key = masked(members.owner.key, SIGNATURE, '<key>')
  if (Array.isArray(members.tags)) members.tags = members.tags.map(maskTag)
}

function maskTag(tag: unknown): unknown {
  const form = isTag(tag) ? maskedTags[tag.name] : undefined
  return isTag(tag) && form ? { ...tag, value: masked(tag.value, form.form, form.mask) } : tag
}

/** Number or string: that clients depend on. */
function maskTimestamp(timestamp: unknown): unknown {
  if (typeof timestamp === 'number' && Number.isSafeInteger(timestamp)) return '<number>'
  return masked(timestamp, /^1\d{12}$/, '<string>')
}
