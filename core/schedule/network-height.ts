/** Block height for assignments and `GET /timestamp` (contract, "The gateway"): never asked for inside the critical section. */
import { SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { HeightStore, KnownHeight } from '../ports/network-height.ts'

/** How long an instance goes on with what it read, ms. */
const REMEMBERED_MS = 20_000
/** A row older than this means that the scheduled function does not run: the gateway is asked directly, ms. */
const STALE_MS = 120_000
/** How long an answer waits for the gateway where an older height is known, ms. */
const GATEWAY_WAIT_MS = 2_000

export class NetworkHeight {
  private readonly store: HeightStore
  private readonly gateway: Pick<Gateway, 'height'>
  private readonly clock: Clock
  private known: KnownHeight | undefined
  private readAt = Number.NEGATIVE_INFINITY
  private reading: Promise<void> | undefined
  private asking: Promise<void> | undefined

  constructor(store: HeightStore, gateway: Pick<Gateway, 'height'>, clock: Clock) {
    this.store = store
    this.gateway = gateway
    this.clock = clock
  }

  /** What is known without asking anybody. */
  get last(): number | undefined {
    return this.known?.height
  }

  /** The height, at most about two minutes old while row or gateway answer; then the last known, never falling. */
  async current(): Promise<number> {
    await this.refresh()
    // The last known will do before long; where none is known there is nothing else to wait for.
    if (this.asking !== undefined)
      await (this.known ? Promise.race([this.asking, this.clock.sleep(GATEWAY_WAIT_MS)]) : this.asking)
    if (this.known) return this.known.height
    throw new SchedulerError('unavailable', 'The block height is not known: neither its row nor the gateway answers.', {
      retryAfter: 5,
    })
  }

  /**
   * Brings what is remembered up to date where it is due, from the row; a stale row has the gateway asked, which is not
   * waited for. Never fails, since an assignment can do with the height of the one before.
   */
  async refresh(): Promise<void> {
    if (this.known && this.clock.now() - this.readAt < REMEMBERED_MS) return
    this.reading ??= this.read().finally(() => {
      this.reading = undefined
    })
    await this.reading
  }

  private async read(): Promise<void> {
    this.readAt = this.clock.now()
    let row: KnownHeight | undefined
    try {
      row = await this.store.read()
    } catch {
      // Without the row a wrong answer of the gateway could not be told from a right one: what is known stays.
      return
    }
    this.keep(row)
    if (row && this.clock.now() - row.at <= STALE_MS) return
    this.asking ??= this.ask(row).finally(() => {
      this.asking = undefined
    })
  }

  private async ask(row: KnownHeight | undefined): Promise<void> {
    try {
      this.keep(await askGateway(row, this.store, this.gateway, this.clock))
    } catch {
      // What is known stays; the scheduled function reports the gateway.
    }
  }

  private keep(known: KnownHeight | undefined): void {
    if (known && (!this.known || known.height >= this.known.height)) this.known = known
  }
}

/** The scheduled function's whole work: the network's height into the row that instances read. Fails with `unavailable`. */
export async function recordHeight(
  store: HeightStore,
  gateway: Pick<Gateway, 'height'>,
  clock: Clock,
): Promise<number> {
  return (await askGateway(await store.read(), store, gateway, clock)).height
}

/** A block is mined every two minutes on average. A rise at four times that rate is believed. */
const FASTEST_BLOCK_MS = 30_000
/** Blocks that a height may rise by at any time: an hour's worth, for a gateway that had fallen behind. */
const SLACK_BLOCKS = 30

/**
 * Asks the gateway and writes its answer down beside what the row says. Heights never fall, so one wrong answer would stay in
 * every head that is written after it: a height that rises faster than blocks come is refused, with `unavailable`. The time
 * counts from the last rise, so a gateway that stood still for a day is believed afterwards.
 * @param row what stands; without one any height is believed, so deleting the row lets an operator begin again
 */
async function askGateway(
  row: KnownHeight | undefined,
  store: HeightStore,
  gateway: Pick<Gateway, 'height'>,
  clock: Clock,
): Promise<KnownHeight> {
  const height = await gateway.height()
  const at = clock.now()
  if (!row) {
    const first = { height, at, since: at }
    await store.replace(undefined, first)
    return first
  }
  // A clock that was ahead when it wrote the row leaves the slack, and the next rise corrects the time.
  const highest = row.height + SLACK_BLOCKS + Math.floor(Math.max(0, at - row.since) / FASTEST_BLOCK_MS)
  if (height > highest) {
    throw new SchedulerError(
      'unavailable',
      `The gateway: a height of ${height} cannot follow ${row.height} so soon. Check ARWEAVE_URL.`,
    )
  }
  const known = height > row.height ? { height, at, since: at } : { ...row, at }
  await store.replace(row, known)
  return known
}
