/**
 * Whose log this is. The log names the wallet that signs it and the tables that it was begun in. Another wallet's
 * assignments would not belong to the scheduler that clients know; and tables that came back from a backup lack the last
 * minutes, so that nonces would be given out twice.
 */
export interface LogIdentity {
  /** The wallet's address. */
  wallet: string
  /** The wallet's public key, 512 bytes: with it the log is read where the wallet is not needed (the relay, commands). */
  owner: Buffer
  /** What the store calls the tables themselves, whatever their names are; differs in a restored one. */
  tables: string
  /**
   * When the log was begun or last taken over, ms: what was read of it before may have been cut off since. Two logs that come
   * back from the same backup differ in it, which a counter would not. 0 for a log that was begun before this was recorded.
   */
  generation: number
}

export interface LogIdentityStore {
  /** The identity that the tables have now. Fails with `foreign-log` where one of them is not there, and with `unavailable`. */
  actualTables(): Promise<string>
  /** The identity that the log was begun with, if it was begun. */
  recorded(): Promise<LogIdentity | undefined>
  /**
   * Begins the log; false if somebody else just did, or if any of the tables is marked as one of a log that was begun: the row
   * that says whose log it is may be lost with one of the tables, and what the others hold is there all the same.
   */
  begin(identity: LogIdentity): Promise<boolean>
  /**
   * Takes a log over that came back in other tables: it belongs to these from now on. False if `from` is not what is recorded
   * any more (undefined: nothing is), except where `to` stands already. All or nothing.
   */
  takeOver(from: LogIdentity | undefined, to: LogIdentity): Promise<boolean>
}
