/** What every mailbox does, fake or real. Each test works on a process of its own, so that they may share one. */
import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Signer } from '../../core/ans104/signer.ts'
import type { Entry } from '../../core/log/entry.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import type { Mailbox, Offer } from '../../core/ports/mailbox.ts'
import { commitOf, messageTo, randomId, spawnIn } from './commits.ts'

export interface MailboxUnderTest {
  mailbox: Mailbox
  /** The log that says what became of what was offered. */
  store: LogStore
  signer: Signer
}

const since = 1_700_000_000_000

const offerOf = (entry: Entry, more: Partial<Offer> = {}): Offer => ({
  id: randomUUID(),
  entry,
  since,
  deadline: since + 20_000,
  ...more,
})

const nameOf = ({ id, since, deadline }: Offer) => ({ id, since, deadline })

export function mailboxSuite(name: string, open: () => MailboxUnderTest): void {
  const message = (process: string, more?: Partial<Entry>) => messageTo(open().signer, process, more)
  const transaction = (process: string, more: Partial<Entry> = {}): Entry => ({
    process,
    kind: 'transaction',
    id: randomId(),
    exclude: [],
    ...more,
  })

  describe(`mailbox: ${name}`, () => {
    it('is empty at first, and opens nothing that is not there', async () => {
      const { mailbox } = open()
      const process = randomId()
      expect(await mailbox.names(process)).toEqual([])
      expect(await mailbox.open(process, [])).toEqual([])
      expect(await mailbox.open(process, [nameOf(offerOf(await message(process)))])).toEqual([])
    })

    it('names what was offered, those who have waited longest first', async () => {
      const { mailbox } = open()
      const process = randomId()
      const entries = await Promise.all(Array.from({ length: 30 }, () => message(process)))
      const offers = entries.map((entry, i) => offerOf(entry, { since: since + ((i * 7) % 30), deadline: since + i }))
      await mailbox.offer(process, offers.slice(0, 28))
      await mailbox.offer(process, offers.slice(28))
      expect(await mailbox.names(process)).toEqual([...offers].sort((a, b) => a.since - b.since).map(nameOf))
      expect(await mailbox.names(randomId())).toEqual([])
    })

    it('gives back what was offered as it was', async () => {
      const { mailbox } = open()
      const process = randomId()
      const body = await message(process, { deepHash: { hash: 'a'.repeat(64), claimed: true } })
      const blob = { id: body.id, sha256: Buffer.alloc(32, 7), bytes: 123_456 }
      const offers = [
        offerOf(body),
        offerOf({ ...body, item: { id: body.id, blob, renderedBytes: 234_567 } }),
        offerOf(transaction(process)),
        offerOf(
          transaction(process, { exclude: ['Data', 'Tags'], deepHash: { hash: 'b'.repeat(64), claimed: false } }),
        ),
      ]
      await mailbox.offer(process, offers)
      const opened = await mailbox.open(process, [...offers].reverse().map(nameOf))
      const byId = new Map(opened.map((offer) => [offer.id, offer]))
      expect(offers.map(({ id }) => byId.get(id))).toEqual(offers)
    })

    it('an offer made again is one offer', async () => {
      const { mailbox } = open()
      const process = randomId()
      const offer = offerOf(await message(process))
      await mailbox.offer(process, [offer])
      await mailbox.offer(process, [offer])
      expect(await mailbox.names(process)).toEqual([nameOf(offer)])
    })

    it('takes out what is withdrawn, as often as it is', async () => {
      const { mailbox } = open()
      const process = randomId()
      const [one, two] = [offerOf(await message(process)), offerOf(await message(process))]
      await mailbox.offer(process, [one, two])
      await mailbox.withdraw(process, [nameOf(one), nameOf(one)])
      expect(await mailbox.names(process)).toEqual([nameOf(two)])
      await mailbox.withdraw(process, [one, two, offerOf(await message(process))].map(nameOf))
      await mailbox.withdraw(process, [])
      expect(await mailbox.names(process)).toEqual([])
    })

    it('knows nothing of what has no place yet', async () => {
      const { mailbox, store, signer } = open()
      const { process } = await spawnIn(store, signer)
      const deepHash = { hash: randomId(), claimed: true }
      const offers = [offerOf(await message(process, { deepHash })), offerOf(transaction(process))]
      expect(await mailbox.outcomes(process, offers)).toEqual(new Map())
      expect(await mailbox.outcomes(process, [])).toEqual(new Map())
    })

    it('says what became of offers: their places, by whose offer they came, and who is to go on', async () => {
      const { mailbox, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const [mine, heir, others, raced] = await Promise.all(Array.from({ length: 4 }, () => message(process)))
      if (!mine || !heir || !others || !raced) throw new Error('four messages')
      const assigned = transaction(process)
      const [one, two, three, four, five] = [mine, heir, others, raced, assigned].map((entry) => offerOf(entry))
      if (!one || !two || !three || !four || !five) throw new Error('five offers')
      const other = randomUUID()
      const marks = [{ offer: one.id }, { offer: two.id, baton: true }, { offer: other }, {}, { offer: five.id }]
      const commit = await commitOf(signer, head, [mine, heir, others, raced, assigned], marks)
      await store.commit(commit)
      const places = commit.links.map((link) => ({
        assignment: link.assignmentId,
        nonce: link.nonce,
        timestamp: link.timestamp,
      }))
      expect(await mailbox.outcomes(process, [one, two, three, four, five])).toEqual(
        new Map([
          [one.id, { kind: 'scheduled', place: places[0], offer: one.id }],
          [two.id, { kind: 'scheduled', place: places[1], offer: two.id, baton: true }],
          [three.id, { kind: 'scheduled', place: places[2], offer: other }],
          [four.id, { kind: 'scheduled', place: places[3] }],
          [five.id, { kind: 'scheduled', place: places[4], offer: five.id }],
        ]),
      )
    })

    it('brings the head as it is along with what became of offers', async () => {
      const { mailbox, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const deepHash = { hash: `${randomId()}${randomId().slice(0, 21)}`, claimed: true }
      const [entry, later] = [await message(process, { deepHash }), await message(process)]
      const [offer, waiting, twin] = [entry, later, await message(process, { deepHash })].map((one) => offerOf(one))
      if (!offer || !waiting || !twin) throw new Error('three offers')
      expect(await mailbox.news(process, [offer, waiting])).toEqual({ outcomes: new Map(), head })
      const commit = await commitOf(signer, head, [entry], [{ offer: offer.id }])
      const lease = { by: randomUUID(), until: since + 1_000, wait: 50 }
      await store.commit({ ...commit, to: { ...commit.to, lease } })
      const place = {
        assignment: commit.links[0]?.assignmentId,
        nonce: commit.links[0]?.nonce,
        timestamp: commit.links[0]?.timestamp,
      }
      const { outcomes, head: moved } = await mailbox.news(process, [offer, waiting, twin])
      expect(outcomes).toEqual(
        new Map([
          [offer.id, { kind: 'scheduled', place, offer: offer.id }],
          [twin.id, { kind: 'deep-hash', place, owner: { kind: 'message', id: entry.id } }],
        ]),
      )
      expect(moved).toMatchObject({ next: commit.to.next, lease })
      expect((await mailbox.news(process, [])).outcomes).toEqual(new Map())
      // There is none of a process that is not there.
      expect(await mailbox.news(randomId(), [])).toEqual({ outcomes: new Map() })
    })

    it('tells a message posted from one assigned, and one process from another', async () => {
      const { mailbox, store, signer } = open()
      const [one, two] = [await spawnIn(store, signer), await spawnIn(store, signer)]
      const posted = await message(one.process)
      await store.commit(await commitOf(signer, one.head, [posted]))
      const assigned = offerOf(transaction(one.process, { id: posted.id }))
      expect(await mailbox.outcomes(one.process, [assigned])).toEqual(new Map())
      expect(await mailbox.outcomes(two.process, [offerOf({ ...posted, process: two.process })])).toEqual(new Map())
    })

    it('says that another item has its deep hash, if it claims it and is not there itself', async () => {
      const { mailbox, store, signer } = open()
      const { process, head } = await spawnIn(store, signer)
      const deepHash = { hash: `${randomId()}${randomId().slice(0, 21)}`, claimed: true }
      const first = await message(process, { deepHash })
      const commit = await commitOf(signer, head, [first])
      await store.commit(commit)
      const [link] = commit.links
      const place = { assignment: link?.assignmentId, nonce: 1, timestamp: link?.timestamp }
      const [same, twin, unclaimed] = [
        offerOf(first),
        offerOf(await message(process, { deepHash })),
        offerOf(await message(process, { deepHash: { ...deepHash, claimed: false } })),
      ]
      expect(await mailbox.outcomes(process, [same, twin, unclaimed])).toEqual(
        new Map([
          [same.id, { kind: 'scheduled', place }],
          [twin.id, { kind: 'deep-hash', place, owner: { kind: 'message', id: first.id } }],
        ]),
      )
    })
  })
}
