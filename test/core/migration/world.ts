/** A Rust unit with its rows, a stack that they are brought into, and the ways to look at both. */
import { createSigner, type Signer } from '../../../core/ans104/signer.ts'
import type { Fault } from '../../../core/audit/fault.ts'
import type { Head } from '../../../core/log/record.ts'
import type { MigrationDeps } from '../../../core/migration/deps.ts'
import { migrate } from '../../../core/migration/migrate.ts'
import type { MigrationAnswer, MigrationOrder, ProcessReport } from '../../../core/migration/order.ts'
import { openPage } from '../../../core/read/page.ts'
import { postItem } from '../../../core/schedule/post.ts'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }
import { FakeLogImport } from '../../fakes/log-import.ts'
import { FakeMigrationSource } from '../../fakes/migration-source.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { createUnit, type Unit } from '../../fakes/unit.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { OldUnit } from './old-unit.ts'

/** Long after the old unit's messages, ms. */
export const NOW = 1_800_000_000_000

/** The wallet of both units, another one, and a client's: real ones, since what was signed is verified. */
export const [suSigner, otherSigner, clientSigner] = [wallets.su, wallets.bob, wallets.alice].map(createSigner) as [
  ReturnType<typeof createSigner>,
  ReturnType<typeof createSigner>,
  ReturnType<typeof createSigner>,
]

export const createOldUnit = (signer: Signer = suSigner): OldUnit => new OldUnit(signer, clientSigner)

export interface Migrated extends MigrationAnswer {
  reports: Map<string, ProcessReport>
  /** As `nonce kind`, by process. */
  named(process: string): string[]
}

/** The relay's memory beside the heads of the log. */
class RelayBesideLog extends FakeRelayStore {
  readonly #unit: Unit

  constructor(unit: Unit) {
    super()
    this.#unit = unit
  }

  override async progress(process: string) {
    const head = this.#unit.store.held.heads.get(process)
    if (head) this.moveHead(process, head.next, head.firstNonce)
    return super.progress(process)
  }
}

export class Stack {
  readonly unit: Unit
  readonly imports: FakeLogImport
  readonly relay: FakeRelayStore
  readonly placements = new FakePlacementStore()

  constructor({ clock = new VirtualClock(NOW), signer = suSigner }: { clock?: VirtualClock; signer?: Signer } = {}) {
    this.unit = createUnit({ signer, clock })
    this.imports = new FakeLogImport(this.unit.store)
    this.relay = new RelayBesideLog(this.unit)
  }

  deps(source: MigrationDeps['source'], more: Partial<MigrationDeps> = {}): MigrationDeps {
    const { store, blobs, gateway, clock } = this.unit
    return {
      source,
      log: store,
      imports: this.imports,
      blobs,
      relay: this.relay,
      gateway,
      clock,
      owner: suSigner.owner,
      ...more,
    }
  }

  async bring(
    source: MigrationDeps['source'],
    order: Partial<MigrationOrder> = {},
    more: Partial<MigrationDeps> & { deadline?: number } = {},
  ): Promise<Migrated> {
    const { deadline = Number.POSITIVE_INFINITY, ...deps } = more
    const reports = new Map<string, ProcessReport>()
    const answer = await migrate(
      this.deps(source, deps),
      { rows: { from: 0 }, auditOnly: false, ending: 'open', despiteFaults: false, ...order },
      { deadline },
      { onProcess: (report) => reports.set(report.process, report), onProgress() {} },
    )
    return { ...answer, reports, named: (process) => named(reports.get(process)?.faults ?? []) }
  }

  head(process: string): Head | undefined {
    return this.unit.store.held.heads.get(process)
  }

  /** Everything that the log holds, to be compared. */
  get held() {
    const { heads, records, findings, deepHashes } = this.unit.store.held
    return structuredClone({ heads, records, findings, deepHashes })
  }

  async page(process: string, query: { from?: number; limit?: number; by?: 'nonce' | 'timestamp' } = {}) {
    const head = await this.unit.store.head(process)
    if (!head) throw new Error('no such process')
    const { by = 'nonce', limit = 10_000, ...from } = query
    const page = await openPage(this.unit.reading, head, { by, limit, showAnchor: false, ...from })
    const chunks: Uint8Array[] = []
    for await (const chunk of await page.json()) chunks.push(chunk)
    return JSON.parse(Buffer.concat(chunks).toString()) as {
      page_info: { has_next_page: boolean }
      edges: {
        cursor: string
        node: { message: { id: string } | null; assignment: { id: string; tags: { name: string; value: string }[] } }
      }[]
    }
  }

  post(raw: Buffer) {
    return postItem(this.unit.scheduler, raw, this.unit.clock.now() + 20_000)
  }
}

export const named = (faults: readonly Fault[]): string[] => faults.map(({ nonce, kind }) => `${nonce} ${kind}`)

export const sourceOf = ({ processes, messages }: OldUnit): FakeMigrationSource =>
  new FakeMigrationSource({ processes, messages })
