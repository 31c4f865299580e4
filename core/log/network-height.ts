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
    throw new SchedulerError('unavailable', 'The block height is not known yet: the gateway does not answer', {
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
    const row = await this.store.read().catch(() => undefined)
    this.keep(row)
    this.readAt = this.clock.now()
    if (row && this.clock.now() - row.at <= STALE_MS) return
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined
    })
  }

  /** Others need not ask too, nor does this instance when it starts again without a gateway: the row is written. */
  private async ask(): Promise<void> {
    try {
      const known = await askGateway(this.gateway, this.clock)
      this.keep(known)
      await this.store.write(known)
    } catch {
      // What is known stays so; that the gateway is away is the scheduled function's to say.
    }
  }

  private keep(known: KnownHeight | undefined): void {
    if (known && (!this.known || known.height >= this.known.height)) this.known = known
  }
}

/** The scheduled function's whole work: the network's height into the row that instances read. */
export async function recordHeight(
  store: HeightStore,
  gateway: Pick<Gateway, 'height'>,
  clock: Clock,
): Promise<number> {
  const known = await askGateway(gateway, clock)
  await store.write(known)
  return known.height
}

const askGateway = async (gateway: Pick<Gateway, 'height'>, clock: Clock): Promise<KnownHeight> => ({
  height: await gateway.height(),
  at: clock.now(),
})
