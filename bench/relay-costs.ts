/** What relay and reconciler cost at AWS, from measured units (us-east-1, on demand, 2026; dollars). */
import { unitFunctions } from '../infra/functions.ts'

const PRICES = {
  /** A GB-second of Lambda, and an invocation. */
  gbSecond: 0.0000166667,
  invocation: 0.2e-6,
  /** A write unit and a read unit of DynamoDB. */
  write: 0.625e-6,
  read: 0.125e-6,
}
const MINUTES_A_MONTH = 43_200
const SCAN_PAGE_BYTES = 1_048_576
const BYTES_A_READ_UNIT = 4_096

export interface RelayLoad {
  /** Messages a second, of one process or few; they come by chance. */
  messagesASecond: number
  /** How long the bundler takes for a post, s. */
  bundlerLatency: number
  /** All else of an invocation: reading, the watermark, Postgres beside it, s. */
  overhead: number
  /** Units of a turn: watermarks written, and read before; and those of a record. */
  units: { watermarkWrites: number; progressReads: number; recordReads: number }
}

/** Dollars for a million messages: the relay and the packer, without logs and what leaves AWS. */
export function relayCosts({ messagesASecond, bundlerLatency, overhead, units }: RelayLoad): number {
  const { memory, trigger } = unitFunctions.relay
  // The first message of a batch waits for the window; those that come meanwhile share the invocation.
  const shared = Math.min(trigger.batchSize, 1 + messagesASecond * trigger.batchWindow)
  const invocation =
    PRICES.invocation +
    (memory / 1024) * (bundlerLatency + overhead) * PRICES.gbSecond +
    units.watermarkWrites * PRICES.write +
    units.progressReads * PRICES.read
  const packer = unitFunctions.packer
  const packed = Math.min(packer.trigger.batchSize, 1 + messagesASecond * packer.trigger.batchWindow)
  const packing = PRICES.invocation + (packer.memory / 1024) * overhead * PRICES.gbSecond
  return 1e6 * (invocation / shared + units.recordReads * PRICES.read + packing / packed)
}

export interface IdleUnit {
  processes: number
  /** Bytes of a process's head and watermarks. */
  bytesAProcess: number
  /** An invocation of the reconciler that reads a whole slice and finds nothing, s. */
  seconds: number
}

/** Dollars a month of the reconciler where nothing is behind. */
export function reconcilerCosts({ processes, bytesAProcess, seconds }: IdleUnit): number {
  const { memory, trigger } = unitFunctions.reconciler
  const runs = (MINUTES_A_MONTH * 60) / trigger.rate
  const slice = Math.min(SCAN_PAGE_BYTES, processes * bytesAProcess)
  // The slice's place (consistency does not matter), eight keys of markers, and the slice, each at half a unit for 4 KB.
  const reads = 0.5 + 8 * 0.5 + Math.ceil(slice / BYTES_A_READ_UNIT) * 0.5
  const writes = slice < SCAN_PAGE_BYTES ? 0 : 1
  return (
    runs *
    (PRICES.invocation + (memory / 1024) * seconds * PRICES.gbSecond + reads * PRICES.read + writes * PRICES.write)
  )
}
