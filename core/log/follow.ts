/**
 * Following: another instance leads the process. Entries are submitted to it, and the log says what became of them. A question costs
 * little, and comes the less often the longer others wait too.
 */
import type { News } from '../ports/submission-queue.ts'
import { answer, readHead } from './commit.ts'
import type { ProcessContext } from './context.ts'
import type { Pending } from './queue.ts'

/** Submits what this instance wants scheduled. False: the queue does not answer, and is not used for a while. Never fails. */
export async function submit(context: ProcessContext): Promise<boolean> {
  const { process, clock, meter, submissionQueue, queueState, queue, outlook, tuning } = context
  if (queueState.downUntil > clock.now()) return false
  const fresh = queue.pending().filter((one) => one.own && (one.submitted === 'never' || one.submitted === 'perhaps'))
  if (fresh.length === 0) return true
  for (const one of fresh) {
    if (one.submitted === 'never') outlook.own(one.id, one.deadline + 60_000, clock.now())
    one.submitted = 'perhaps'
  }
  meter.count('submissions', fresh.length)
  const timer = new AbortController()
  const submissions = fresh.map(({ id, entry, since, deadline }) => ({ id, entry, since, deadline }))
  const isThere = await Promise.race([
    submissionQueue.submit(process, submissions).then(
      () => true,
      () => false,
    ),
    clock.sleep(tuning.submitMs, timer.signal).then(() => false),
  ])
  timer.abort()
  if (isThere) for (const one of fresh) if (one.submitted === 'perhaps') one.submitted = 'there'
  if (!isThere) queueState.downUntil = clock.now() + tuning.queueDownMs
  return isThere
}

/**
 * Resolves when no entry waits any more, or when something else is to be done, as the outlook says then: the leader passes this
 * instance over, has resigned or is gone, or has named this instance its successor. Fails with `unavailable`.
 * @param onSuccessor called before any caller hears of its success: an instance without a request is frozen
 */
export async function follow(context: ProcessContext, onSuccessor: () => void): Promise<void> {
  const { process, clock, queue, outlook, store, submissionQueue, tuning } = context
  const begun = clock.now()
  const isHearsay = !outlook.isTold
  outlook.take()
  outlook.contend(begun)
  if (outlook.losses >= tuning.lossesToLead) outlook.losses = 0
  let expected = outlook.lease?.wait ?? tuning.firstWaitMs
  let isHeadDue = isHearsay
  let timeout = tuning.leaderTimeoutMs * (1 + clock.random())
  let lookAt = begun + expected + timeout
  for (const one of queue.pending()) Object.assign(one, { askAt: undefined, asked: 0 })

  /** False: no leader is alive by this head. */
  const isLed = (now: number): boolean => {
    const { lease } = outlook
    if (!lease || now >= outlook.ledUntil) return false
    outlook.take()
    expected = lease.wait
    return true
  }

  /** Asks what became of these. True: the following is over. */
  const ask = async (due: readonly Pending[], now: number): Promise<boolean> => {
    const question = isHeadDue
      ? submissionQueue.news(process, due)
      : submissionQueue.outcomes(process, due).then((outcomes): News => ({ outcomes }))
    const { outcomes, head }: News = await question.catch(() => ({ outcomes: new Map() }))
    const pause = Math.max(tuning.askMs, expected * tuning.askShare)
    for (const one of due)
      one.askAt = Math.max(clock.now(), now + Math.min(tuning.maxAskMs, pause * tuning.askGrowth ** one.asked++))
    const isSuccessor = due.some(({ id }) => {
      const standing = outcomes.get(id)
      return standing?.kind === 'scheduled' && standing.submission === id && standing.successor
    })
    if (isSuccessor) onSuccessor()
    for (const one of due) {
      const standing = outcomes.get(one.id)
      if (!standing) continue
      outlook.served(clock.now())
      // The leader takes it out of the queue.
      one.submitted = 'gone'
      void answer(context, one, standing)
    }
    if (isSuccessor) {
      outlook.succeed()
      await readHead(context)
      return true
    }
    if (!head) return false
    isHeadDue = false
    outlook.read(head, clock.now())
    if (isLed(clock.now()) || queue.pending().length === 0) return false
    if (!head.lease || head.lease.until === 0) {
      outlook.clear()
      return true
    }
    // The lease has run out: one of those who wait leads, by chance.
    outlook.take()
    lookAt = Math.min(lookAt, clock.now() + tuning.staggerMs * clock.random())
    return false
  }

  for (;;) {
    const isSubmitted = await submit(context)
    const waiting = queue.pending()
    const [first] = waiting
    if (!first) return
    const now = clock.now()
    const patience = tuning.passedOverWaits * expected + tuning.passedOverMs
    if (!isSubmitted || now - Math.max(begun, first.since) > patience) {
      outlook.clear()
      outlook.isPassedOver = true
      await readHead(context)
      return
    }
    for (const one of waiting) one.askAt ??= Math.max(now, one.since + tuning.firstAsk * expected)
    const due = waiting.filter(({ askAt = 0 }) => askAt <= now + 2)
    if (due.length > 0 && (await ask(due, now))) return
    if (queue.pending().length === 0) return
    if (clock.now() >= lookAt) {
      // A thousand followers must not read the head all the time: the one that came last looks first.
      timeout = Math.min(tuning.maxLeaderTimeoutMs, 2 * timeout)
      lookAt = clock.now() + Math.max(timeout, expected / 2)
      const head = await store.head(process).catch(() => undefined)
      if (head) {
        outlook.read(head, clock.now())
        if (head.state !== 'open') return
        if (!isLed(clock.now())) {
          outlook.succeed()
          return
        }
      }
    }
    const at = Math.min(lookAt, ...queue.pending().map(({ askAt = 0 }) => askAt))
    const either = new AbortController()
    const time = clock.sleep(Math.max(1, at - clock.now()), either.signal)
    await Promise.race([time, queue.arrival(either.signal)])
    either.abort()
  }
}
