/**
 * Heads that an instance wrote or saw last. A memory that is stale costs a signature and a commit made in vain, never a wrong
 * answer; so it is trusted where this instance seems to be the only one that writes to a process, and where others do too
 * the head is read first, which costs a fortieth of that.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../ports/clock.ts'
import { LEASE_MS, type Lease } from './lease.ts'
import type { Head } from './record.ts'
import { sameHead } from './state.ts'

interface Memory {
  head: Head
  /** Whether another instance was seen to write since. */
  shared: boolean
}

interface Holder {
  lease: Lease
  /** When anything was heard of him last, ms. */
  at: number
}

/** How long a process is taken to be busy after its writers were seen to meet, ms. */
const HOT_MS = 2_000

export class HeadMemory {
  private readonly memories: LRUCache<string, Memory>
  /** Until when a process is taken to be busy, ms. */
  private readonly heated: LRUCache<string, number>
  /** Who commits for all, as was heard last. */
  private readonly holders: LRUCache<string, Holder>
  private readonly clock: Clock

  /** @param max heads remembered (PROCESS_CACHE_SIZE) */
  constructor(max: number, clock: Clock) {
    this.memories = new LRUCache({ max })
    this.heated = new LRUCache({ max })
    this.holders = new LRUCache({ max })
    this.clock = clock
  }

  /** The head as it once was: good for what may be asked of an old one. */
  recall(process: string): Head | undefined {
    return this.memories.get(process)?.head
  }

  /** The head as it probably is now; undefined where it should be read. */
  trusted(process: string): Head | undefined {
    const memory = this.memories.get(process)
    return memory?.shared ? undefined : memory?.head
  }

  /** Whether another instance was seen to write. */
  isShared(process: string): boolean {
    return this.memories.get(process)?.shared ?? false
  }

  /** This instance moved the head. */
  wrote(head: Head): void {
    this.keep(head, this.memories.get(head.process)?.shared ?? false)
  }

  /** The head was read. Where it is still the one that is remembered, nobody else seems to write. */
  read(head: Head): void {
    const known = this.recall(head.process)
    this.keep(head, known !== undefined && !sameHead(known, head))
  }

  /** Another instance was found to have moved the head; perhaps to where is known. */
  moved(process: string, head: Head | undefined): void {
    const last = head ?? this.recall(process)
    if (last) this.keep(last, true)
  }

  /** Its writers have just met, or somebody commits for all of them. */
  heat(process: string): void {
    this.heated.set(process, this.clock.now() + HOT_MS)
  }

  /** Nobody else was seen for a while. */
  cool(process: string): void {
    this.heated.delete(process)
    this.holders.delete(process)
  }

  /** The head was seen to say so. */
  heldBy(process: string, lease: Lease): void {
    this.holders.set(process, { lease, at: this.clock.now() })
  }

  /** He has just served this instance: whatever his lease said, he was alive. */
  served(process: string): void {
    this.heat(process)
    const holder = this.holders.get(process)
    if (holder) holder.at = this.clock.now()
  }

  /** The lease of who commits for all, if he was heard of a moment ago: as good as reading the head, which asks for another call. */
  holder(process: string): Lease | undefined {
    const holder = this.holders.get(process)
    return holder && this.clock.now() - holder.at < LEASE_MS ? holder.lease : undefined
  }

  /** Whether to offer rather than to race. */
  isHot(process: string): boolean {
    return (this.heated.get(process) ?? 0) > this.clock.now()
  }

  forget(process: string): void {
    this.memories.delete(process)
  }

  /** What takes no messages is looked at again each time. */
  private keep(head: Head, shared: boolean): void {
    if (head.state === 'open') this.memories.set(head.process, { head, shared })
    else this.forget(head.process)
  }
}
