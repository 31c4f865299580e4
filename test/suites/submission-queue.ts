/** What every submission queue does, fake or real. Each test works on a process of its own, so that they may share one. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Signer } from '../../core/ans104/signer.ts'
import type { Entry } from '../../core/log/entry.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import type { Submission, SubmissionQueue } from '../../core/ports/submission-queue.ts'
import { commitOf, messageTo, randomId, spawnIn } from './commits.ts'

export interface SubmissionQueueUnderTest {
  submissionQueue: SubmissionQueue
  /** The log that says what became of what was submitted. */
  store: LogStore
  signer: Signer
}

const since = 1_700_000_000_000

const submissionOf = (entry: Entry, more: Partial<Submission> = {}): Submission => ({
  id: randomUUID(),
  entry,
  since,
  deadline: since + 20_000,
  ...more,
})

const nameOf = ({ id, since, deadline }: Submission) => ({ id, since, deadline })

export function submissionQueueSuite(name: string, open: () => SubmissionQueueUnderTest): void {
  const message = (process: string, more?: Partial<Entry>) => messageTo(open().signer, process, more)
  const transaction = (process: string, more: Partial<Entry> = {}): Entry => ({
    process,
    kind: 'transaction',
    id: randomId(),
    exclude: [],
    ...more,
  })

  describe(`submissionQueue: ${name}`, () => {
    it('is empty at first, and opens nothing that is not there', async () => {
      const { submissionQueue } = open()
      const process = randomId()
      expect(await submissionQueue.names(process)).toEqual([])
      expect(await submissionQueue.open(process, [])).toEqual([])
      expect(await submissionQueue.open(process, [nameOf(submissionOf(await message(process)))])).toEqual([])
    })

    it('names what was submitted, those who have waited longest first', async () => {
      const { submissionQueue } = open()
      const process = randomId()
      const entries = await Promise.all(Array.from({ length: 30 }, () => message(process)))
      const submissions = entries.map((entry, i) =>
        submissionOf(entry, { since: since + ((i * 7) % 30), deadline: since + i }),
      )
      await submissionQueue.submit(process, submissions.slice(0, 28))
      await submissionQueue.submit(process, submissions.slice(28))
      expect(await submissionQueue.names(process)).toEqual(
        [...submissions].sort((a, b) => a.since - b.since).map(nameOf),
      )
      expect(await submissionQueue.names(randomId())).toEqual([])
    })

    it('gives back what was submitted as it was', async () => {
      const { submissionQueue } = open()
      const process = randomId()
      const body = await message(process, { deepHash: { hash: 'a'.repeat(64), claimed: true } })
      const blob = { id: body.id, sha256: Buffer.alloc(32, 7), bytes: 123_456 }
      const submissions = [
        submissionOf(body),
        submissionOf({ ...body, item: { id: body.id, blob, renderedBytes: 234_567 } }),
        submissionOf(transaction(process)),
        submissionOf(
          transaction(process, { exclude: ['Data', 'Tags'], deepHash: { hash: 'b'.repeat(64), claimed: false } }),
        ),
      ]
      await submissionQueue.submit(process, submissions)
      const opened = await submissionQueue.open(process, [...submissions].reverse().map(nameOf))
      const byId = new Map(opened.map((submission) => [submission.id, submission]))
      expect(submissions.map(({ id }) => byId.get(id))).toEqual(submissions)
    })

    it('a submission made again is one submission', async () => {
      const { submissionQueue } = open()
      const process = randomId()
      const submission = submissionOf(await message(process))
      await submissionQueue.submit(process, [submission])
      await submissionQueue.submit(process, [submission])
      expect(await submissionQueue.names(process)).toEqual([nameOf(submission)])
    })

    it('takes out what is withdrawn, as often as it is', async () => {
      const { submissionQueue } = open()
      const process = randomId()
      const [one, two] = [submissionOf(await message(process)), submissionOf(await message(process))]
      await submissionQueue.submit(process, [one, two])
      await submissionQueue.withdraw(process, [nameOf(one), nameOf(one)])
      expect(await submissionQueue.names(process)).toEqual([nameOf(two)])
      await submissionQueue.withdraw(process, [one, two, submissionOf(await message(process))].map(nameOf))
      await submissionQueue.withdraw(process, [])
      expect(await submissionQueue.names(process)).toEqual([])
    })

    it('knows nothing of what has no place yet', async () => {
      const { submissionQueue, store, signer } = open()
      const { process } = await spawnIn(store, signer)
      const deepHash = { hash: randomId(), claimed: true }
      const submissions = [submissionOf(await message(process, { deepHash })), submissionOf(transaction(process))]
      expect(await submissionQueue.outcomes(process, submissions)).toEqual(new Map())
      expect(await submissionQueue.outcomes(process, [])).toEqual(new Map())
    })

    it('says what became of submissions: their places, by whose submission they came, and who is to go on', async () => {
      const { submissionQueue, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const [mine, heir, others, raced] = await Promise.all(Array.from({ length: 4 }, () => message(process)))
      if (!mine || !heir || !others || !raced) throw new Error('four messages')
      const assigned = transaction(process)
      const [one, two, three, four, five] = [mine, heir, others, raced, assigned].map((entry) => submissionOf(entry))
      if (!one || !two || !three || !four || !five) throw new Error('five submissions')
      const other = randomUUID()
      const marks = [
        { submission: one.id },
        { submission: two.id, successor: true },
        { submission: other },
        {},
        { submission: five.id },
      ]
      const commit = await commitOf(signer, head, [mine, heir, others, raced, assigned], marks)
      await store.commit(commit)
      const places = commit.links.map((link) => ({
        assignment: link.assignmentId,
        nonce: link.nonce,
        timestamp: link.timestamp,
      }))
      expect(await submissionQueue.outcomes(process, [one, two, three, four, five])).toEqual(
        new Map([
          [one.id, { kind: 'scheduled', place: places[0], submission: one.id }],
          [two.id, { kind: 'scheduled', place: places[1], submission: two.id, successor: true }],
          [three.id, { kind: 'scheduled', place: places[2], submission: other }],
          [four.id, { kind: 'scheduled', place: places[3] }],
          [five.id, { kind: 'scheduled', place: places[4], submission: five.id }],
        ]),
      )
    })

    it('brings the head as it is along with what became of submissions', async () => {
      const { submissionQueue, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const deepHash = { hash: `${randomId()}${randomId().slice(0, 21)}`, claimed: true }
      const [entry, later] = [await message(process, { deepHash }), await message(process)]
      const [submission, waiting, twin] = [entry, later, await message(process, { deepHash })].map((one) =>
        submissionOf(one),
      )
      if (!submission || !waiting || !twin) throw new Error('three submissions')
      expect(await submissionQueue.news(process, [submission, waiting])).toEqual({ outcomes: new Map(), head })
      const commit = await commitOf(signer, head, [entry], [{ submission: submission.id }])
      const lease = { by: randomUUID(), until: since + 1_000, wait: 50 }
      await store.commit({ ...commit, to: { ...commit.to, lease } })
      const place = {
        assignment: commit.links[0]?.assignmentId,
        nonce: commit.links[0]?.nonce,
        timestamp: commit.links[0]?.timestamp,
      }
      const { outcomes, head: moved } = await submissionQueue.news(process, [submission, waiting, twin])
      expect(outcomes).toEqual(
        new Map([
          [submission.id, { kind: 'scheduled', place, submission: submission.id }],
          [twin.id, { kind: 'deep-hash', place, owner: { kind: 'message', id: entry.id } }],
        ]),
      )
      expect(moved).toMatchObject({ next: commit.to.next, lease })
      expect((await submissionQueue.news(process, [])).outcomes).toEqual(new Map())
      // There is none of a process that is not there.
      expect(await submissionQueue.news(randomId(), [])).toEqual({ outcomes: new Map() })
    })

    it('tells a message posted from one assigned, and one process from another', async () => {
      const { submissionQueue, store, signer } = open()
      const [one, two] = [await spawnIn(store, signer), await spawnIn(store, signer)]
      const posted = await message(one.process)
      await store.commit(await commitOf(signer, one.head, [posted]))
      const assigned = submissionOf(transaction(one.process, { id: posted.id }))
      expect(await submissionQueue.outcomes(one.process, [assigned])).toEqual(new Map())
      expect(await submissionQueue.outcomes(two.process, [submissionOf({ ...posted, process: two.process })])).toEqual(
        new Map(),
      )
    })

    it('says that another item has its deep hash, if it claims it and is not there itself', async () => {
      const { submissionQueue, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const deepHash = { hash: `${randomId()}${randomId().slice(0, 21)}`, claimed: true }
      const first = await message(process, { deepHash })
      const commit = await commitOf(signer, head, [first])
      await store.commit(commit)
      const [link] = commit.links
      const place = { assignment: link?.assignmentId, nonce: 1, timestamp: link?.timestamp }
      const [same, twin, unclaimed] = [
        submissionOf(first),
        submissionOf(await message(process, { deepHash })),
        submissionOf(await message(process, { deepHash: { ...deepHash, claimed: false } })),
      ]
      expect(await submissionQueue.outcomes(process, [same, twin, unclaimed])).toEqual(
        new Map([
          [same.id, { kind: 'scheduled', place }],
          [twin.id, { kind: 'deep-hash', place, owner: { kind: 'message', id: first.id } }],
        ]),
      )
    })
  })
}
