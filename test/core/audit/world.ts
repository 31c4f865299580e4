/** A unit's log in memory, with real signatures, of everything that a log can hold; and who verifies it. */
import { createHash, randomBytes } from 'node:crypto'
import { idBytes } from '../../../core/ans104/base64url.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { createSigner } from '../../../core/ans104/signer.ts'
import type { Tag } from '../../../core/ans104/tags.ts'
import type { Fault } from '../../../core/audit/fault.ts'
import { type VerifyDeps, type VerifyOptions, verify } from '../../../core/audit/verify.ts'
import type { Entry } from '../../../core/log/entry.ts'
import type { LogRecord, StoredItem } from '../../../core/log/record.ts'
import { Sequencer } from '../../../core/log/sequencer.ts'
import type { BlobStore } from '../../../core/ports/blob-store.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import { messageDeepHash } from '../../../core/protocol/message-deep-hash.ts'
import { renderedItemBytes } from '../../../core/read/render.ts'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeGateway } from '../../fakes/gateway.ts'
import { FakeLogImport } from '../../fakes/log-import.ts'
import { FakeLogInspection } from '../../fakes/log-inspection.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { noSubmissionQueue } from '../../fakes/submission-queue.ts'

export const wallet = createSigner(wallets.su)
export const alice = createSigner(wallets.alice)

const DEPTH = 7

/** Grows processes in a log, fake or real. */
export class Writer {
  readonly #blobs: Pick<BlobStore, 'put'>
  readonly #sequencer: Sequencer

  constructor(store: LogStore, blobs: Pick<BlobStore, 'put'>) {
    this.#blobs = blobs
    this.#sequencer = new Sequencer({
      store,
      submissionQueue: noSubmissionQueue,
      signer: wallet,
      clock: systemClock,
      meter: noMeter,
      height: () => 1_234_567,
      rememberedHeads: 10,
    })
  }

  async spawn({ assigned = true } = {}): Promise<string> {
    const tags = [{ name: 'Settlement-Depth', value: String(DEPTH) }]
    const { id, raw } = await alice.sign({ tags, data: Buffer.from(randomBytes(8)) })
    const process = { id, item: { id, raw }, assigned, settlementDepth: DEPTH, blockHeight: 1_234_567 }
    await this.#sequencer.spawn(process, Date.now() + 20_000)
    return id
  }

  async schedule(entry: Entry): Promise<void> {
    await this.#sequencer.schedule(entry, Date.now() + 20_000)
  }

  /** @param pushed the process that pushed it: twice the same one says the same thing twice */
  async message(process: string, { pushed = '', large = false } = {}): Promise<Entry> {
    const tags: Tag[] = [{ name: 'Type', value: 'Message' }]
    if (pushed !== '') tags.push({ name: 'From-Process', value: pushed })
    const data = large ? randomBytes(5_000) : Buffer.from('hello')
    const item = await alice.sign({ target: idBytes(process), tags, data })
    const { id, raw } = item
    let stored: StoredItem = { id, raw }
    if (large) {
      const blob = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
      await this.#blobs.put(blob, raw)
      stored = { id, blob, renderedBytes: renderedItemBytes({ kind: 'message' }, item) }
    }
    const deepHash = pushed !== '' ? { deepHash: { hash: messageDeepHash(item), claimed: true } } : {}
    return { process, kind: 'message', id, item: stored, exclude: [], ...deepHash }
  }

  transaction(process: string): Entry {
    const id = randomBytes(32).toString('base64url')
    const deepHash = { hash: randomBytes(48).toString('base64url'), claimed: true }
    return { process, kind: 'transaction', id, exclude: ['Data', 'Tags'], deepHash }
  }

  /** Nonces 1 (a plain message), 2 (pushed), 3 (large), 4 (a transaction), and so many more messages. Gives the transaction. */
  async grow(process: string, more = 2): Promise<Entry> {
    await this.schedule(await this.message(process))
    await this.schedule(await this.message(process, { pushed: process }))
    await this.schedule(await this.message(process, { large: true }))
    const transaction = this.transaction(process)
    await this.schedule(transaction)
    for (let n = 0; n < more; n++) await this.schedule(await this.message(process))
    return transaction
  }
}

interface LongProcess {
  process: string
  log: FakeLogStore
  blobs: FakeBlobStore
}

/** Messages from which on a process is signed once for all tests of a file. */
const LONG = 50

const longProcesses = new Map<string, Promise<LongProcess>>()

/** Each is in a log of its own, which nothing changes. */
function longProcess(assigned: boolean, more: number): Promise<LongProcess> {
  const key = `${assigned} ${more}`
  const known = longProcesses.get(key)
  if (known) return known
  const grow = async (): Promise<LongProcess> => {
    const [log, blobs] = [new FakeLogStore(), new FakeBlobStore()]
    const writer = new Writer(log, blobs)
    const process = await writer.spawn({ assigned })
    await writer.grow(process, more)
    return { process, log, blobs }
  }
  const signed = grow()
  longProcesses.set(key, signed)
  return signed
}

export class AuditWorld {
  readonly log = new FakeLogStore()
  readonly blobs = new FakeBlobStore()
  readonly inspection = new FakeLogInspection(this.log)
  readonly imports = new FakeLogImport(this.log)
  readonly relay = new FakeRelayStore()
  readonly gateway = new FakeGateway()
  readonly writer = new Writer(this.log, this.blobs)

  get deps(): VerifyDeps {
    const { log, inspection, blobs, imports, relay } = this
    return { log, inspection, bodies: blobs, imports, relay, owner: wallet.owner }
  }

  /** A world that asks for a long process twice gets the same one: its signatures take most of a test's time. */
  async process({ assigned = true, more = 2 } = {}): Promise<string> {
    if (more >= LONG) return this.copy(await longProcess(assigned, more))
    const process = await this.writer.spawn({ assigned })
    await this.writer.grow(process, more)
    this.look(process)
    return process
  }

  private async copy({ process, log, blobs }: LongProcess): Promise<string> {
    const { held } = this.log
    for (const [key, head] of log.held.heads) held.heads.set(key, { ...head })
    for (const [key, record] of log.held.records) {
      held.records.set(key, { ...record })
      if (record.item && 'blob' in record.item) {
        await this.blobs.put(record.item.blob, await blobs.get(record.item.blob))
      }
    }
    for (const [id, findings] of log.held.findings) {
      held.findings.set(
        id,
        findings.map((finding) => ({ ...finding })),
      )
    }
    for (const [key, place] of log.held.deepHashes) held.deepHashes.set(key, { ...place })
    this.look(process)
    return process
  }

  /** The relay's table has the heads, too. */
  look(process: string): void {
    const { next, firstNonce } = this.log.held.heads.get(process) ?? { next: 0, firstNonce: 0 }
    this.relay.moveHead(process, next, firstNonce)
  }

  record(process: string, nonce: number): LogRecord {
    const record = this.log.held.records.get(`${process}/${nonce}`)
    if (!record) throw new Error('no record')
    return record
  }

  change(process: string, nonce: number, change: Partial<LogRecord>): void {
    this.log.held.records.set(`${process}/${nonce}`, { ...this.record(process, nonce), ...change })
  }

  assignmentId(process: string, nonce: number): string {
    return parseDataItem(this.record(process, nonce).assignment ?? Buffer.alloc(0)).id
  }

  /** What all of it comes to. */
  async verify(process: string, options: Partial<VerifyOptions> = {}, deps: Partial<VerifyDeps> = {}) {
    return verifyAll({ ...this.deps, ...deps }, process, options)
  }
}

export async function verifyAll(deps: VerifyDeps, process: string, options: Partial<VerifyOptions> = {}) {
  const faults: Fault[] = []
  let [records, pending, next] = [0, 0, Number.NaN]
  for await (const verified of verify(deps, process, { history: 'own', ...options })) {
    faults.push(...verified.faults)
    records += verified.records
    pending += verified.pending
    next = verified.next
  }
  return { faults, records, pending, next }
}
