/**
 * An instance that commits for a busy process: its own entries, and those that others left in the mailbox. It goes on for a
 * term, as long as many offer, and then passes on to one of those whom it served last. Should it die or stall, those who wait
 * find that its lease ran out.
 */
import { randomUUID } from 'node:crypto'
import { rejectAll } from './committing.ts'
import { Inbox } from './inbox.ts'
import type { LaneContext } from './lane.ts'
import { LEASE_MS, type Lease, type Leases, leaseMs, type OwnNames, saneWait } from './lease.ts'
import { type PipelineEnd, runPipeline } from './pipeline.ts'
import { Queue, type Waiting } from './queue.ts'
import type { Head } from './record.ts'
import { refusalOf } from './state.ts'

/** How long one instance goes on, ms. */
const TERM_MS = 5_000
/** Beyond its requests' own time it goes on for so long at most, ms. */
const GRACE_MS = 1_000
/** Offers of the last batch of a term, one of which takes over. */
const LAST_BATCH = 8
/** An heir has so much time left at least, ms. */
const HEIR_MS = 1_000
/** Without an answer of the mailbox for so long others are better off without a holder, ms. */
const DEAF_MS = 1_000
/** How often it is asked whether it is worth it, ms. */
const CENSUS_MS = 500
/** With fewer who wait at once (two writers, say) racing by turns is faster, and costs less. */
const FEW = 1.7
/** How long an offer may be on its way that was made before others knew that the lease was given up, ms. */
const STRAGGLERS_MS = 80

export interface HoldingOptions {
  process: string
  context: LaneContext
  queue: Queue
  /** Names by which a lease is this instance's own. */
  own: OwnNames
  leases: Leases
  /** When its requests must have their answers, ms. */
  latest: number
}

/**
 * Resolves when it is over: few offer any more, the term has passed and was passed on, or another one holds, as the head says
 * that is given back.
 */
export async function hold(head: Head, options: HoldingOptions): Promise<Head | undefined> {
  const { process, context, queue, own, leases } = options
  const { clock, store, heads, errands } = context
  const begun = clock.now()
  const termEnds = Math.min(begun + TERM_MS, options.latest)
  const latest = options.latest + GRACE_MS
  const name = randomUUID()
  own.add(name, begun + TERM_MS + 60_000, begun)
  const inbox = new Inbox(options)
  let servedAt = begun
  // From a holder before it: beginning anew would have the others ask too early, and often, until it is known again.
  let wait = head.lease && head.lease.until > 0 ? saneWait(head.lease.wait) : 50
  let census = { at: begun, waited: 0 }
  let isFew = false
  let heir: Waiting | undefined
  let isPassedOn = false
  let finish: () => void = () => undefined

  // Only who is known to hold takes in what others offer: of many who would begin at once all but one sign in vain.
  const begin = () => {
    if (inbox.isOpen) return
    inbox.open()
    census = { at: clock.now(), waited: 0 }
    finish = errands.begin()
  }
  const committed = (batch: readonly Waiting[]) => {
    const now = clock.now()
    begin()
    for (const one of batch) {
      if (one === heir) isPassedOn = true
      census.waited += now - one.since
      if (one.own) continue
      servedAt = now
      wait += (now - one.since - wait) * 0.1
    }
    heads.heat(process)
    const time = now - census.at
    if (time < CENSUS_MS) return
    // How many wait at once, on average.
    isFew ||= census.waited / time < FEW
    census = { at: now, waited: 0 }
  }
  const isGivenUp = () => isFew || inbox.silence(clock.now()) > DEAF_MS
  const lease = (batch: readonly Waiting[]): Lease => ({
    by: heir && batch.includes(heir) ? heir.offer : name,
    until: isGivenUp() ? 0 : clock.now() + leaseMs(wait),
    wait: saneWait(wait),
  })
  const mayFollow = (one: Waiting) => !one.own && one.deadline > clock.now() + HEIR_MS
  const findHeir = () => queue.pending().find(mayFollow)
  /** From then on it is passed on as soon as there is somebody to go on. */
  const isOver = () => clock.now() >= termEnds && !isGivenUp() && findHeir() !== undefined

  /** The last one of a last batch is the heir: he finds so beside his own place. */
  const passOn = async (from: Head): Promise<PipelineEnd> => {
    inbox.stop()
    const first = queue.pending().slice(0, LAST_BATCH)
    heir = first.findLast(mayFollow) ?? findHeir()
    const last = heir && !first.includes(heir) ? [...first, heir] : first
    queue.remove(last)
    const lastQueue = new Queue()
    lastQueue.add(...last)
    const end = await runPipeline(from, { process, context, queue: lastQueue, lease, committed, latest })
    queue.add(...lastQueue.pending())
    return end
  }

  let at: Head | undefined = head
  try {
    if (head.lease && own.has(head.lease.by)) begin()
    while (clock.now() < latest) {
      const refusal = refusalOf(at)
      if (!at || refusal) {
        if (refusal) await rejectAll(context, queue.pending(), refusal)
        return undefined
      }
      const end: PipelineEnd = isOver()
        ? await passOn(at)
        : await runPipeline(at, { process, context, queue, lease, isOver, committed, latest })
      if (end.kind === 'lost') {
        heads.moved(process, end.head)
        at = end.head ?? (await store.head(process))
        if (leases.rival(at, clock.now())) return at
        continue
      }
      at = end.head
      if (!inbox.isOpen || isPassedOn) return undefined
      const idle = clock.now() - servedAt
      if (idle >= (isGivenUp() ? 0 : LEASE_MS) + STRAGGLERS_MS) {
        heads.cool(process)
        return undefined
      }
      await arrival(options)
    }
    return undefined
  } finally {
    inbox.stop()
    queue.keepOwn()
    void inbox.close().then(finish)
  }
}

/** Until something arrives, or it is time to think again. */
async function arrival({ context, queue }: HoldingOptions): Promise<void> {
  const either = new AbortController()
  await Promise.race([queue.arrival(either.signal), context.clock.sleep(20, either.signal)])
  either.abort()
}
