/** The mailbox in memory, over the log that says what became of what was offered. */
import { SchedulerError } from '../../core/errors.ts'
import type { Standing } from '../../core/ports/log-store.ts'
import type { Mailbox, News, Offer, OfferName } from '../../core/ports/mailbox.ts'
import { type FakeLogStore, standingOf } from './log-store.ts'

export class FakeMailbox implements Mailbox {
  readonly #log: FakeLogStore
  readonly #offers = new Map<string, Map<string, Offer>>()

  constructor(log: FakeLogStore) {
    this.#log = log
  }

  async offer(process: string, offers: readonly Offer[]): Promise<void> {
    const box = this.#box(process)
    for (const offer of offers) box.set(offer.id, offer)
  }

  async names(process: string): Promise<OfferName[]> {
    return [...this.#box(process).values()]
      .map(({ id, since, deadline }) => ({ id, since, deadline }))
      .sort((a, b) => a.since - b.since)
  }

  async open(process: string, names: readonly OfferName[]): Promise<Offer[]> {
    const box = this.#box(process)
    return names.flatMap(({ id }) => box.get(id) ?? [])
  }

  async withdraw(process: string, offers: readonly OfferName[]): Promise<void> {
    for (const { id } of offers) this.#box(process).delete(id)
  }

  async outcomes(process: string, offers: readonly Offer[]): Promise<Map<string, Standing>> {
    const outcomes = new Map<string, Standing>()
    for (const { id, entry } of offers) {
      const finding = await this.#log.findItem(process, entry)
      const known = entry.deepHash?.claimed ? this.#log.deepHash(process, entry.deepHash.hash) : undefined
      if (finding) outcomes.set(id, standingOf(finding))
      else if (known) outcomes.set(id, known)
    }
    return outcomes
  }

  async news(process: string, offers: readonly Offer[]): Promise<News> {
    const head = await this.#log.head(process)
    return { outcomes: await this.outcomes(process, offers), ...(head && { head }) }
  }

  #box(process: string): Map<string, Offer> {
    const box = this.#offers.get(process) ?? new Map<string, Offer>()
    this.#offers.set(process, box)
    return box
  }
}

/** No mailbox at all: every instance writes by itself. */
const nobody = () => Promise.reject(new SchedulerError('unavailable', 'There is no mailbox here.'))
export const noMailbox: Mailbox = {
  offer: nobody,
  names: nobody,
  open: nobody,
  withdraw: nobody,
  outcomes: nobody,
  news: nobody,
}
