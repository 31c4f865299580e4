/** `GET` at a router: every question follows its process. */
import { type Context, Hono } from 'hono'
import { isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import { checkReadable } from '../../core/schedule/access.ts'
import { inTime } from '../../core/schedule/in-time.ts'
import { deadlineOf } from './deadline.ts'
import type { Leader } from './router-lead.ts'
import type { RouterParts } from './router-parts.ts'

export function routerReadRoutes({ placements, lists, clock }: RouterParts, lead: Leader): Hono {
  const routes = new Hono()

  const follow = async (c: Context, inPath?: string): Promise<Response> => {
    const deadline = deadlineOf(c, clock.now())
    const { process, named } = processOf(c, inPath)
    c.set('process', process)
    const unit = await inTime({ clock }, deadline, find(process))
    if (unit === undefined) throw unknown(named)
    return lead.answer(c, { unit, deadline })
  }

  /** The allow-list judges before it is said whether a process is there. */
  const find = async (process: string): Promise<string | undefined> => {
    await checkReadable(lists, process)
    return placements.unitOf(process)
  }

  routes.get('/', (c) => follow(c))
  routes.get('/timestamp', (c) => follow(c))
  routes.get('/processes/:process', (c) => follow(c, c.req.param('process')))
  routes.get('/:process/latest', (c) => follow(c, c.req.param('process')))
  routes.get('/:id', (c) => follow(c, c.req.param('id')))

  return routes
}

/** The process that a request is about: the one that it names in its query, else the id in its path, if that is one. */
function processOf(c: Context, inPath: string | undefined): { process: string; named: boolean } {
  const { searchParams } = new URL(c.req.url)
  // Parameters that are there and empty name nothing, as at a unit.
  const named = searchParams.get('process-id') || searchParams.get('proc-id') || undefined
  if (named !== undefined && !isId(named)) throw refused('process-id is no id of a process: these have 43 characters')
  const process = named ?? inPath
  if (process === undefined) throw refused('process-id is needed: it says which unit is asked')
  if (!isId(process)) throw refused('process-id is needed: the path has no id of a process')
  return { process, named: named !== undefined }
}

const refused = (message: string) => new SchedulerError('invalid-request', message)

/** An id in the path alone may be that of a message, whose process only the client can name. */
const unknown = (named: boolean) =>
  new SchedulerError(
    'not-found',
    named
      ? 'The process that process-id names is not known here'
      : 'No process with the id in the path is known here. If it is the id of a message, name its process with process-id',
  )
