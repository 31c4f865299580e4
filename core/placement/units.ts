/** The scheduler units behind a router, as its list has them (contract, "Router"). */
export interface UnitSettings {
  /** Scheme, host and port, no slash at the end: a unit lives at the root of its host. */
  url: string
  /** Whether it gets spawns at all; without, it only serves what it has (`no_route`). */
  routed: boolean
  /** Addresses of the wallets whose spawns it gets before all others (`wallets_to_route`). */
  wallets: ReadonlySet<string>
  /** Gets no spawns but theirs (`wallets_only`). */
  walletsOnly: boolean
}
