/**
 * An instance that waits while another one commits for the process: it offers its entries, and learns from the log what
 * became of them. Asking costs little and less often the longer the others wait too.
 */
import type { News } from '../ports/mailbox.ts'
import { answer, rejectAll } from './committing.ts'
import type { LaneContext } from './lane.ts'
import { type Lease, type Leases, type OwnNames, saneWait } from './lease.ts'
import { offerOf, type Queue, type Waiting } from './queue.ts'
import type { Head } from './record.ts'
import { refusalOf } from './state.ts'

/** When one is asked for first, as a share of what others wait. */
const FIRST_ASK = 0.7
/**
 * Between two questions at least, and at most, ms; a share of what others wait, and each time so much more, so that a message costs
 * few at any rate, however far off the expectation is.
 */
const ASK_MS = 8
const MAX_ASK_MS = 500
const ASK_SHARE = 8
const ASK_GROWTH = 1.5
/** Where the lease has run out, the first of those who found so by chance takes over within this time, ms. */
const STAGGER_MS = 300
/** How long who waits believes in the holder without having seen anything of him, ms, beyond what others wait. */
const PATIENCE_MS = 500
const MAX_PATIENCE_MS = 3_000
/** Who has waited so much longer than others do goes on by himself, however alive the holder is. */
const IMPATIENCE = 3
const IMPATIENT_MS = 3_000
/** How long the mailbox may take to answer an offer, ms. */
const OFFER_MS = 1_000
/** How long nothing is offered after it failed, ms. */
const TROUBLE_MS = 2_000

export interface OfferingOptions {
  process: string
  context: LaneContext
  queue: Queue
  own: OwnNames
  leases: Leases
  /** Called before anybody hears that this instance is the next one to commit for the others. */
  onBaton?(): void
}

/**
 * Puts what this instance wants scheduled into the mailbox. False: it does not answer, and nobody should count on it for a
 * while. Never fails.
 */
export async function offer({ process, context, queue, own }: OfferingOptions): Promise<boolean> {
  const { clock, meter, mailbox, trouble } = context
  if (trouble.until > clock.now()) return false
  const fresh = queue.pending().filter((one) => one.own && (one.mailbox === 'never' || one.mailbox === 'perhaps'))
  if (fresh.length === 0) return true
  for (const one of fresh) {
    if (one.mailbox === 'never') own.add(one.offer, one.deadline + 60_000, clock.now())
    one.mailbox = 'perhaps'
  }
  meter.count('offers', fresh.length)
  const timer = new AbortController()
  const isThere = await Promise.race([
    mailbox.offer(process, fresh.map(offerOf)).then(
      () => true,
      () => false,
    ),
    clock.sleep(OFFER_MS, timer.signal).then(() => false),
  ])
  timer.abort()
  if (isThere) for (const one of fresh) if (one.mailbox === 'perhaps') one.mailbox = 'there'
  if (!isThere) trouble.until = clock.now() + TROUBLE_MS
  return isThere
}

/**
 * How the waiting ends. `settled`: nobody waits any more. `hold`: this instance should commit for the others (it was passed the
 * baton, or the holder has not been heard of). `race`: it should try by itself (the holder serves others and not this one).
 * `vacant`: nobody holds any more, as this head says.
 */
export type WaitEnd = { kind: 'settled' | 'hold' | 'race' } | { kind: 'vacant'; head: Head }

/** @param isHearsay the lease was not read in the head now: that comes with the first question */
export async function waitForHolder(options: OfferingOptions, lease: Lease, isHearsay: boolean): Promise<WaitEnd> {
  const { process, context, queue, leases } = options
  const { clock, store, mailbox, heads, asking } = context
  let expected = lease.wait
  let isHeadDue = isHearsay
  let patience = PATIENCE_MS * (1 + clock.random())
  let lookAt = clock.now() + expected + patience
  const begun = clock.now()
  /** When each is asked for next. */
  const asks = new Map<Waiting, number>()
  /** Fruitless questions about each so far. */
  const tries = new Map<Waiting, number>()
  for (;;) {
    const isOffered = await offer(options)
    const waiting = queue.pending()
    if (waiting.length === 0) return { kind: 'settled' }
    const now = clock.now()
    if (!isOffered || now - Math.max(begun, waiting[0]?.since ?? 0) > IMPATIENCE * expected + IMPATIENT_MS)
      return { kind: 'race' }
    for (const one of waiting) {
      if (!asks.has(one)) asks.set(one, Math.max(now, one.since + FIRST_ASK * expected))
    }
    const due = waiting.filter((one) => (asks.get(one) ?? 0) <= now + 2)
    if (due.length > 0) {
      const asked = due.map(offerOf)
      const question = isHeadDue
        ? mailbox.news(process, asked)
        : mailbox.outcomes(process, asked).then((outcomes): News => ({ outcomes }))
      const { outcomes, head }: News = await asking.measure(question).catch(() => ({ outcomes: new Map() }))
      const again = Math.max(ASK_MS, asking.ms, expected / ASK_SHARE)
      for (const one of due) {
        const before = tries.get(one) ?? 0
        tries.set(one, before + 1)
        asks.set(one, Math.max(clock.now(), now + Math.min(MAX_ASK_MS, again * ASK_GROWTH ** before)))
      }
      const isHeir = due.some(({ offer }) => {
        const outcome = outcomes.get(offer)
        return outcome?.kind === 'scheduled' && outcome.offer === offer && outcome.baton
      })
      if (isHeir) options.onBaton?.()
      for (const one of due) {
        const outcome = outcomes.get(one.offer)
        if (!outcome) continue
        heads.served(process)
        asks.delete(one)
        tries.delete(one)
        // The holder has done with it, and takes it out.
        one.mailbox = 'gone'
        void answer(context, one, outcome)
      }
      if (head) {
        isHeadDue = false
        const rival = leases.rival(head, clock.now())
        if (rival) {
          heads.heldBy(process, rival)
          expected = saneWait(rival.wait)
        } else if (!isHeir && queue.pending().length > 0) {
          if (!(head.lease && head.lease.until > 0)) return { kind: 'vacant', head }
          lookAt = Math.min(lookAt, clock.now() + STAGGER_MS * clock.random())
        }
      }
      if (isHeir) return { kind: 'hold' }
      if (queue.pending().length === 0) return { kind: 'settled' }
    }
    if (clock.now() >= lookAt) {
      // A thousand who wait must not ask for the head all the time: whoever came last looks first.
      patience = Math.min(MAX_PATIENCE_MS, 2 * patience)
      lookAt = clock.now() + Math.max(patience, expected / 2)
      const head = await store.head(process).catch(() => 'unknown' as const)
      if (head !== 'unknown') {
        const refusal = refusalOf(head)
        if (refusal) {
          await rejectAll(context, queue.pending(), refusal)
          return { kind: 'settled' }
        }
        const rival = leases.rival(head, clock.now())
        if (!rival) return { kind: 'hold' }
        heads.heldBy(process, rival)
        expected = saneWait(rival.wait)
      }
    }
    const asked = queue.pending().map((one) => asks.get(one) ?? 0)
    await nextEvent(options, Math.min(lookAt, ...asked))
  }
}

/** Until something arrives that is to be offered, or it is time to ask. */
async function nextEvent({ context: { clock }, queue }: OfferingOptions, at: number): Promise<void> {
  const either = new AbortController()
  const time = clock.sleep(Math.max(1, at - clock.now()), either.signal)
  await Promise.race([time, queue.arrival(either.signal)])
  either.abort()
}
