/** The location item that the operator published last, kept by the unit so that it can show it. */
export interface LocationStore {
  /** Raw data item, or undefined where none was published from this unit. Fails with `unavailable`. */
  published(): Promise<Buffer | undefined>
  /** Fails with `unavailable`. */
  publish(raw: Buffer): Promise<void>
}
