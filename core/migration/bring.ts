/**
 * Brings one process in: looks at what the source has of it, audits it, copies it, compares both sides, and makes its head final. Every step
 * may be repeated, by several at once, and be ended anywhere: what is not final is served to nobody.
 */
import type { Fault } from '../audit/fault.ts'
import type { Head } from '../log/record.ts'
import { isClosedForGood } from '../log/state.ts'
import type { NewLog } from '../ports/log-import.ts'
import type { Extent } from '../ports/migration-source.ts'
import { endBefore, finalHead, markUploaded, takePlacement, writeHead } from './finish.ts'
import type { Outcome, ProcessReport, Step } from './order.ts'
import { auditRecords, compareRecords, copyRecords } from './records.ts'
import { ProcessRun, type RunContext } from './run.ts'
import { surveyProcess } from './survey.ts'
import { firstSince } from './uploads.ts'
import type { OpenedProcess } from './walk.ts'

/** What a log cannot hold, whatever the operator says. */
const NOT_HELD: readonly Fault['kind'][] = ['missing', 'doubled', 'bundle', 'process', 'occupied', 'wallet']
/** So often what the source got meanwhile is copied as well, before the process is taken for one that goes on there. */
const ROUNDS = 5

/** Where to go on in a process. */
export interface From {
  step: Step
  nonce: number
}

/** Throws Stopped; fails with `unavailable`, and with `invalid-request` where the source cannot be read. */
export async function bringProcess(context: RunContext, process: string, from?: From): Promise<ProcessReport> {
  const { deps, order } = context
  const { extent, opened, faults } = await surveyProcess(deps.source, process, {
    owner: deps.owner,
    ending: order.ending,
  })
  const head = await deps.log.head(process)
  const report = (outcome: Outcome, run?: ProcessRun, here = head, found = run?.found ?? faults): ProcessReport => ({
    process,
    outcome,
    source: { messages: extent.messages, nonces: extent.nonces, highest: extent.highest },
    here: here && { state: here.state, next: here.next },
    copied: run?.copied ?? 0,
    there: run?.there ?? 0,
    faults: found,
    notices: run?.notices ?? [],
  })
  const leaveOut = async (run?: ProcessRun): Promise<ProcessReport> => {
    if (order.auditOnly) return report('unsound', run)
    return report('left-out', run, head ?? (await holdPlace(context, process, opened, run?.found ?? faults)))
  }
  if (!opened) return leaveOut()

  const run = new ProcessRun(context, opened)
  run.blame(faults)
  if (head) run.blame(inTheWay(head, context, lastOf(extent, opened.firstNonce)))
  const begin = order.restOnly && head?.state === 'frozen' ? head.next : opened.firstNonce
  let audited = from?.nonce ?? begin
  if (from === undefined || from.step === 'audit') audited = await auditRecords(run, audited)
  if (!mayGoOn(run)) return leaveOut(run)
  if (order.auditOnly) return report(run.faults.length > 0 ? 'unsound' : 'sound', run)
  // What takes messages here is not written over. It is only held against the source.
  if (head?.state === 'open') return compareOpen(run, head, extent, report)

  const standing = await deps.imports.begin(newLog(opened))
  // Another call of the same migration was faster.
  if (standing.state === 'open') return compareOpen(run, standing, extent, report)
  const brought = await bringRecords(run, extent, { from, begin, audited })
  if ('fault' in brought) {
    run.blame([brought.fault])
    return report('left-out', run, standing)
  }
  if (!brought.whole) return report('waiting', run, standing)
  const final = await finish(run, standing, brought.next, brought.goesOn)
  return report(outcomeOf(final), run, final)
}

/** Brings in what is asked for, and finds out whether the log has all of it then. */
async function bringRecords(
  run: ProcessRun,
  extent: Extent,
  { from, begin, audited }: { from: From | undefined; begin: number; audited: number },
): Promise<{ fault: Fault } | { whole: boolean; next: number; goesOn: boolean }> {
  const { deps, order } = run.context
  const { firstNonce, process } = run.opened
  let known = extent
  let next = begin
  let whole = false
  if (from?.step !== 'compare') {
    const first = from?.step === 'copy' ? from.nonce : begin
    const copied = await copyRecords(run, first, audited)
    if ('fault' in copied) return copied
    next = copied.next
    // By itself, from the first one to the last, each read back: nothing is left to be compared.
    whole = first === begin && copied.gapless && next > lastOf(known, firstNonce)
  }
  if (!whole) {
    const compared = await compareRecords(run, from?.step === 'compare' ? from.nonce : begin)
    if ('fault' in compared) return compared
    next = compared.next
  }
  for (let round = 0; ; round++) {
    known = await deps.source.extent(process)
    if (next > lastOf(known, firstNonce)) return { whole: true, next, goesOn: false }
    // The rest is for who brings the other rows, or for the next time.
    if (order.rows.to !== undefined) return { whole: false, next, goesOn: false }
    if (order.ending === 'frozen' && round > 0) return { whole: true, next, goesOn: true }
    if (round === ROUNDS) return { whole: true, next, goesOn: true }
    const copied = await copyRecords(run, next, audited)
    if ('fault' in copied) return copied
    // What is left stands in rows that were not asked for.
    if (!copied.gapless || copied.next === next) return { whole: false, next, goesOn: false }
    next = copied.next
  }
}

async function finish(run: ProcessRun, standing: Head, next: number, goesOn: boolean): Promise<Head> {
  const { deps, order } = run.context
  const { process } = run
  let { ending } = order
  if (ending === 'open' && goesOn) {
    run.blame([
      {
        nonce: next,
        kind: 'went-on',
        what: 'came while this was brought in, and more may: the other unit still schedules, so it was not opened here',
      },
    ])
    ending = 'frozen'
  }
  // Until then the other unit has it.
  if (ending === 'open') {
    const elsewhere = await takePlacement(deps, process, next - 1)
    if (elsewhere) {
      run.blame([elsewhere])
      ending = 'frozen'
    }
  }
  const end = await endBefore(deps, run.opened, next)
  const since = order.reuploadSince
  await markUploaded(deps, standing, since === undefined ? next : await firstSince(run, since, next))
  return writeHead(deps, standing, finalHead(run.opened, end, ending))
}

/** The process is open here already: whether the source has anything else. */
async function compareOpen(
  run: ProcessRun,
  head: Head,
  extent: Extent,
  report: (outcome: Outcome, run: ProcessRun, here: Head) => ProcessReport,
): Promise<ProcessReport> {
  const { firstNonce } = run.opened
  const last = lastOf(extent, firstNonce)
  const compared = await compareRecords(run, firstNonce, head.next)
  if ('fault' in compared) run.blame([compared.fault])
  else {
    run.there = compared.next - firstNonce
    run.context.onRows(compared.next - Math.max(0, firstNonce + 1))
    if (compared.next < Math.min(head.next, last + 1)) {
      run.blame([{ nonce: compared.next, kind: 'lookup', what: 'is in the source, and is not found in the log here' }])
    }
  }
  if (last >= head.next) {
    run.blame([
      { nonce: head.next, kind: 'went-on', what: 'is in the source, and the process was opened here before it came' },
    ])
  }
  return report('open', run, head)
}

/** A head that no migration may write over. */
function inTheWay(head: Head, { order }: RunContext, last: number): Fault[] {
  const fault = (what: string): Fault[] => [{ nonce: head.next, kind: 'occupied', what }]
  if (isClosedForGood(head)) {
    return order.ending === 'history'
      ? []
      : fault('is the next one of a process that was brought here for its history alone')
  }
  if (head.state !== 'open' && head.awaits !== undefined)
    return fault('is the next one of a process that is being moved here')
  // It was open here, and was frozen since.
  const more = head.state === 'frozen' && head.next > last + 1
  return more
    ? fault('is the next one here, and the source ends before it: what was scheduled here is not written over')
    : []
}

function mayGoOn({ context, faults }: ProcessRun): boolean {
  if (faults.length === 0 || context.order.auditOnly) return true
  return context.order.despiteFaults && !faults.some(({ kind }) => NOT_HELD.includes(kind))
}

/**
 * What is left out stands here as a process that is being migrated: otherwise whoever has its item could spawn it anew, and nonces that are
 * signed already would be given out again. A process of another wallet could not go on here anyway.
 */
async function holdPlace(
  { deps }: RunContext,
  process: string,
  opened: OpenedProcess | undefined,
  faults: readonly Fault[],
): Promise<Head | undefined> {
  if (faults.some(({ kind }) => kind === 'wallet')) return undefined
  const unknown: NewLog = { process, timestamp: 0, blockHeight: 0, epoch: 0, firstNonce: 0, settlementDepth: 0 }
  return deps.imports.begin(opened ? newLog(opened) : unknown)
}

const newLog = ({ process, firstNonce, settlementDepth, first }: OpenedProcess): NewLog => ({
  process,
  timestamp: first.timestamp,
  blockHeight: first.blockHeight,
  epoch: first.epoch ?? 0,
  firstNonce,
  settlementDepth,
})

const lastOf = ({ highest }: Extent, firstNonce: number): number => highest ?? firstNonce

const outcomeOf = (head: Head): Outcome =>
  head.state === 'open' ? 'open' : isClosedForGood(head) ? 'history' : 'frozen'
