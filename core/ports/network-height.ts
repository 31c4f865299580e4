/**
 * The network's block height as the stack knows it: one row that a scheduled function writes each minute and that
 * instances read now and then (a Lambda has no background of its own).
 */
export interface KnownHeight {
  height: number
  /** When it was asked of the gateway, ms. */
  at: number
}

export interface HeightStore {
  /** Undefined: none was ever written. Fails with `unavailable`. */
  read(): Promise<KnownHeight | undefined>
  /** Keeps the greater height and the later time. */
  write(known: KnownHeight): Promise<void>
}
