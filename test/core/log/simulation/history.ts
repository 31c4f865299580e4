/** What was asked and answered, held against the log: every answer must have been true when it was given. */
import type { Place, SchedulerError } from '../../../../core/errors.ts'
import type { Entry } from '../../../../core/log/entry.ts'
import type { LogStore } from '../../../../core/ports/log-store.ts'
import { audit } from '../audit.ts'

export interface Answer {
  entry: Entry
  /** ms */
  sent: number
  answered?: number
  /** When it must be answered at the latest, where nothing stalls. */
  due?: number
  place?: Place
  error?: SchedulerError
  /** Anything that is no refusal. */
  bug?: unknown
  /** Its instance died. */
  isLost?: boolean
  /** Sent when all was well again: it must be served. */
  isGood: boolean
}

/** ms */
export interface Span {
  from: number
  until: number
}

export interface History {
  process: string
  store: LogStore
  /** When each item was committed, ms, by process, kind and id. */
  committedAt: ReadonlyMap<string, number>
  /** When the head was frozen. */
  frozen: readonly Span[]
  answers: readonly Answer[]
  /** Every entry that was sent, as often as it was. */
  pool: readonly Entry[]
}

const keyOf = ({ kind, id }: Pick<Entry, 'kind' | 'id'>) => `${kind} ${id}`

/** Every fault in words; none when all is sound. */
export async function faultsOf({ process, store, committedAt, frozen, answers, pool }: History): Promise<string[]> {
  const { records, faults } = await audit(store, process)
  const nonces = new Map(records.map((record, nonce) => [keyOf({ kind: kindOf(record.kind), id: record.id }), nonce]))
  const entries = new Map(pool.map((entry) => [keyOf(entry), entry]))
  const sentTimes = (entry: Entry) => pool.filter((other) => keyOf(other) === keyOf(entry)).length
  const acknowledged = new Set<string>()
  const committed = (key: string) => committedAt.get(`${process} ${key}`) ?? Number.POSITIVE_INFINITY
  // The state between question and answer. A commit is one moment, and its answer comes after it.
  const wasThere = (key: string, { answered = Number.POSITIVE_INFINITY }: Answer) => committed(key) <= answered
  const wasFrozen = ({ sent, answered = Number.POSITIVE_INFINITY }: Answer) =>
    frozen.some(({ from, until }) => from <= answered && until >= sent)
  faults.push(...disorder(answers))

  // A deep hash that is claimed is the first one of its kind in the process.
  const hashes = new Set<string>()
  for (const [nonce, record] of records.entries()) {
    const hash = entries.get(keyOf({ kind: kindOf(record.kind), id: record.id }))?.deepHash
    if (hash?.claimed && hashes.has(hash.hash)) faults.push(`nonce ${nonce} repeats a deep hash`)
    if (hash) hashes.add(hash.hash)
  }

  for (const answer of answers) {
    const { entry, place, error, bug, isLost, isGood, answered = Number.POSITIVE_INFINITY } = answer
    const key = keyOf(entry)
    const nonce = nonces.get(key)
    const fault = (what: string) => faults.push(`${key}, sent at ${answer.sent}: ${what}`)
    if (answer.due !== undefined && !isLost && answered > answer.due) fault('answered late')
    if (bug !== undefined) fault(`failed with ${bug instanceof Error ? bug.stack : bug}`)
    if (place) {
      if (nonce !== place.nonce) fault(`acknowledged at ${place.nonce}, and is at ${nonce}`)
      if (records[place.nonce]?.timestamp !== place.timestamp) fault('acknowledged with another timestamp')
      if (acknowledged.has(key)) fault('acknowledged twice')
      if (!wasThere(key, answer)) fault('acknowledged before it was there')
      if (committed(key) < answer.sent) fault('acknowledged for what another request did')
      acknowledged.add(key)
      continue
    }
    if (!error) {
      if (bug === undefined && !isLost) fault('never answered')
      continue
    }
    const isAlone = sentTimes(entry) === 1
    const named = error.details.place
    switch (error.code) {
      case 'already-scheduled':
        // Who sent it alone must never hear that it is there: that was its own attempt.
        if (!named || named.nonce !== nonce || isAlone) fault('refused as scheduled without reason')
        else if (!wasThere(key, answer)) fault('refused as scheduled before it was')
        break
      case 'deep-hash-known': {
        const record = named && records[named.nonce]
        const other = record && entries.get(keyOf({ kind: kindOf(record.kind), id: record.id }))
        const isKnown = other !== undefined && keyOf(other) !== key && other.deepHash?.hash === entry.deepHash?.hash
        if (!isKnown || !entry.deepHash?.claimed) fault('refused for a deep hash without reason')
        else if (!wasThere(keyOf(other), answer)) fault('refused for a deep hash before it was known')
        if (nonce !== undefined) fault('refused for its deep hash, and is there')
        break
      }
      case 'frozen':
        if (!wasFrozen(answer)) fault('refused as frozen, and was open all the time')
        // An instance that stalls may tell what has become old meanwhile.
        if (answer.due !== undefined && isAlone && committed(key) < answered - 50) {
          fault('refused as frozen, and was there')
        }
        break
      case 'unavailable':
        if (error.message.includes('was not scheduled') && isAlone && nonce !== undefined)
          fault('was scheduled after all')
        break
      default:
        fault(`failed with ${error.code}`)
    }
    if (isGood && (error.code === 'unavailable' || error.code === 'frozen')) fault(`not served: ${error.message}`)
  }
  return faults
}

/**
 * Linearizability of what was acknowledged: a nonce that one client was told of before another one asked is the smaller of the two.
 * Nonces then agree with real time, whatever instances answered.
 */
function disorder(answers: readonly Answer[]): string[] {
  const told = answers.flatMap(({ sent, answered, place }) =>
    place && answered !== undefined ? [{ sent, answered, nonce: place.nonce }] : [],
  )
  const byAnswer = told.toSorted((a, b) => a.answered - b.answered)
  const faults: string[] = []
  let before = 0
  let highest = Number.NEGATIVE_INFINITY
  for (const { sent, nonce } of told.toSorted((a, b) => a.sent - b.sent)) {
    for (let one = byAnswer[before]; one && one.answered < sent; one = byAnswer[++before]) {
      highest = Math.max(highest, one.nonce)
    }
    if (nonce <= highest) faults.push(`nonce ${nonce} was asked for at ${sent}, after nonce ${highest} had been told`)
  }
  return faults
}

const kindOf = (kind: 'process' | Entry['kind']): Entry['kind'] => (kind === 'transaction' ? kind : 'message')
