/**
 * The unit as it was before instances combined: each races for the head, holds back when it loses, and knows neither lease
 * nor submission queue. During a deploy such instances write beside the new ones.
 */
import { randomUUID } from 'node:crypto'
import { SchedulerError } from '../../../../core/errors.ts'
import { chainEntry } from '../../../../core/log/chain.ts'
import { alreadyScheduled, deepHashKnown, placeOf } from '../../../../core/log/commit.ts'
import type { Head } from '../../../../core/log/record.ts'
import { refusalOf, sameHead } from '../../../../core/log/state.ts'
import type { Unit, UnitParts } from './lambda.ts'

const IMPATIENT_MS = 400

export function previousUnit({ store, clock, signer, meter, height }: UnitParts): Unit {
  const pause = (tries: number) => clock.sleep(Math.min(100, 2 ** Math.min(tries + 3, 8)) * clock.random())
  const remembered = new Map<string, Head>()
  return {
    idle: async () => undefined,
    async schedule(entry, deadline) {
      const { process } = entry
      const since = clock.now()
      const made = new Set<string>()
      let known = remembered.get(process)
      for (let tries = 1; clock.now() < deadline; ) {
        const head: Head | undefined = known ?? (await store.head(process))
        known = undefined
        const refusal = refusalOf(head)
        if (!head || refusal) throw refusal
        const { lease: _, ...from } = head
        const { link, head: to } = await chainEntry(from, entry, { signer, meter, now: clock.now(), height: height() })
        made.add(link.assignmentId)
        const commit = { from, to, links: [link], token: randomUUID() }
        let outcome = await store.commit(commit)
        let unanswered = false
        while (outcome.kind === 'busy' || outcome.kind === 'unanswered') {
          unanswered ||= outcome.kind === 'unanswered'
          if (unanswered && (await store.find(link.assignmentId).catch(() => [])).length > 0) {
            outcome = { kind: 'committed' }
            break
          }
          if (clock.now() >= deadline) throw late()
          await pause(1)
          const now = await store.head(process).catch(() => undefined)
          if (!unanswered && now && !sameHead(now, head)) outcome = { kind: 'head-moved', head: now }
          else outcome = await store.commit(commit)
        }
        if (outcome.kind === 'committed') {
          remembered.set(process, to)
          meter.count('commits')
          meter.count('messages_scheduled')
          return placeOf(link)
        }
        if (outcome.kind === 'refused') {
          const [{ kind: reason, place } = { kind: 'scheduled', place: placeOf(link) }] = outcome.refusals.values()
          const found = await store.find(entry.id)
          const kind = entry.kind === 'message' ? 'posted' : 'assigned'
          const there = found.find((one) => one.process === process && one.kind === kind)?.place
          if (there && made.has(there.assignment)) return there
          if (there) throw alreadyScheduled(entry, there)
          throw reason === 'scheduled' ? alreadyScheduled(entry, place) : deepHashKnown(place)
        }
        meter.count('commit_conflicts')
        if (++tries <= 2 || clock.now() - since > IMPATIENT_MS) known = outcome.head
        else await pause(tries - 2)
      }
      throw late()
    },
  }
}

const late = () => new SchedulerError('unavailable', 'The log did not answer in time')
