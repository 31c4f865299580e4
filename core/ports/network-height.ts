/**
 * The network's block height as the stack knows it: one row that a scheduled function writes each minute and that
 * instances read now and then (a Lambda has no background of its own).
 */
export interface KnownHeight {
  height: number
  /** When the gateway was asked last, ms. */
  at: number
  /** When the height last rose, ms. */
  since: number
}

export interface HeightStore {
  /** Undefined: none was ever written. Fails with `unavailable`. */
  read(): Promise<KnownHeight | undefined>
  /** Writes `to` if `from` (undefined: nothing) still stands; else another writer was faster, and its row stays. Fails with `unavailable`. */
  replace(from: KnownHeight | undefined, to: KnownHeight): Promise<void>
}
