/** `POST /` at a router: a spawn is placed, a message follows its process, an assignment is asked of the unit at once. */
import { type Context, Hono } from 'hono'
import { isId } from '../../core/ans104/base64url.ts'
import { ownerAddress } from '../../core/ans104/data-item.ts'
import { openSigned } from '../../core/ans104/signature.ts'
import { SchedulerError } from '../../core/errors.ts'
import { checkCaller } from '../../core/schedule/access.ts'
import { inTime } from '../../core/schedule/in-time.ts'
import { checkProcess, checkTags, itemType, targetProcess } from '../../core/schedule/rules.ts'
import { readItem } from './body.ts'
import { callerAddress } from './caller.ts'
import { deadlineOf } from './deadline.ts'
import type { Leader } from './router-lead.ts'
import type { RouterParts } from './router-parts.ts'

export function routerWriteRoutes(parts: RouterParts, lead: Leader): Hono {
  const { lists, clock, meter, maxBodyBytes, cdnSecrets } = parts
  const routes = new Hono()

  routes.post('/', async (c) => {
    const begin = clock.now()
    const deadline = deadlineOf(c, begin)
    try {
      await inTime({ clock }, deadline, checkCaller(lists, callerAddress(c, { cdnSecrets }, begin)))
      const { searchParams } = new URL(c.req.url)
      const transaction = searchParams.get('assign')
      if (transaction !== null) return await assign(c, searchParams.get('process-id'), transaction, deadline)
      const body = await readItem(c, maxBodyBytes)
      const unit = await unitOfItem(parts, c, body, deadline)
      return await lead.answer(c, { unit, deadline, body })
    } finally {
      meter.time('write_item', clock.now() - begin)
    }
  })

  /** Never redirected: the MU takes a redirect of an assignment for an error. */
  const assign = async (c: Context, process: string | null, transaction: string, deadline: number) => {
    if (process === null) throw new SchedulerError('invalid-request', 'assign needs process-id as well')
    if (!isId(process)) throw new SchedulerError('invalid-request', 'process-id is no id of a process')
    if (!isId(transaction)) throw new SchedulerError('invalid-request', 'assign is no id of a transaction')
    return lead.passOn(c, { unit: await unitOf(parts, c, process, deadline), deadline })
  }

  return routes
}

type PlacingParts = Pick<RouterParts, 'placements' | 'signatureTypes' | 'clock'>

/** Fails with `not-found`. */
async function unitOf(
  { placements, clock }: PlacingParts,
  c: Context,
  process: string,
  deadline: number,
): Promise<string> {
  c.set('process', process)
  const unit = await inTime({ clock }, deadline, placements.unitOf(process))
  if (unit !== undefined) return unit
  throw new SchedulerError('not-found', 'This process is not known here')
}

/**
 * The unit that takes the item; a spawn is placed. The item is judged as far as any unit would judge it the same way,
 * before anything is looked up or placed.
 * @param expected the process that the item must spawn or be for; fails with `process-mismatch`
 */
export async function unitOfItem(
  parts: PlacingParts,
  c: Context,
  raw: Buffer,
  deadline: number,
  expected?: string,
): Promise<string> {
  const { placements, signatureTypes, clock } = parts
  const item = await openSigned(raw, { types: signatureTypes })
  const type = itemType(item)
  checkTags(item, type)
  const process = type === 'Process' ? item.id : targetProcess(item)
  checkProcess(process, expected)
  if (type === 'Message') return unitOf(parts, c, process, deadline)
  c.set('process', process)
  return inTime({ clock }, deadline, placements.place(process, ownerAddress(item.owner)))
}
