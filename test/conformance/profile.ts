/**
 * Asks a scheduler unit, in whatever form it runs, all the scenarios of one profile and holds each answer against the
 * recorded or the corrected one; then audits what it scheduled.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { audit } from './audit.ts'
import { type Correction, corrections } from './corrections.ts'
import { mask } from './mask.ts'
import { type Profile, type RecordedAnswer, recordedAnswers } from './recorded.ts'
import { main } from './scenarios/main.ts'
import { router } from './scenarios/router.ts'
import { maxSize, whitelist, withoutProcessAssignment } from './scenarios/small.ts'
import { A, type Answer, type Ask, B, type Question } from './world.ts'

export interface UnitUnderTest {
  /** Asks the unit, which must be empty: path and query, as for `fetch`. For one that runs: `(path, init) => fetch(url + path, init)`. */
  fetch(path: string, init: RequestInit): Promise<Response> | Response
  /** Addresses of the two units, where it is a router in front of them (profile `router`). */
  units?: readonly string[]
  /** Ids of all that the bundler has taken so far; where it is given, everything scheduled must arrive there. */
  uploaded?(): Promise<ReadonlySet<string>>
}

export interface ProfileResult {
  /** Number of answers that were judged. */
  judged: number
  /** What is wrong, a sentence each, beginning with the step's name. */
  faults: string[]
}

const scenarios: Record<Profile, (ask: Ask) => Promise<void>> = {
  main,
  'no-process-assignment': withoutProcessAssignment,
  'max-size': maxSize,
  whitelist,
  router,
}

/** How long uploads may take to arrive, ms. */
const UPLOAD_MS = 20_000

export async function runProfile(profile: Profile, unit: UnitUnderTest): Promise<ProfileResult> {
  const answers = new Map<string, Answer>()
  await scenarios[profile](async (name, question) => {
    if (answers.has(name)) throw new Error(`two steps are called '${name}'`)
    const answer = await asked(unit, question)
    answers.set(name, answer)
    return answer
  })
  const wanted = recordedAnswers(profile)
  const faults = [...answers].flatMap(([name, answer]) => {
    const fault = judge(answer, wanted[name], corrections[profile][name], answers)
    return fault === undefined ? [] : [`${name}: ${fault}`]
  })
  for (const name of [...Object.keys(wanted), ...Object.keys(corrections[profile])]) {
    if (!answers.has(name)) faults.push(`${name}: not asked`)
  }
  // Behind an allow-list there is nothing to audit, since nothing could be spawned, and a router schedules nothing.
  if (profile !== 'whitelist' && profile !== 'router') faults.push(...(await auditAll(unit)))
  return { judged: answers.size, faults }
}

async function asked(unit: UnitUnderTest, { method, path, body, headers }: Question): Promise<Answer> {
  const response = await unit.fetch(path, {
    method,
    redirect: 'manual',
    headers: { ...(body && { 'content-type': 'application/octet-stream' }), ...headers },
    ...(body && { body: new Uint8Array(body) }),
  })
  const text = await response.text()
  const location = maskUnit(response.headers.get('location') ?? undefined, unit.units)
  return { status: response.status, type: response.headers.get('content-type'), location, text, json: jsonOf(text) }
}

function maskUnit(location: string | undefined, units: readonly string[] = []): string | undefined {
  const index = units.findIndex((url) => location?.startsWith(`${url}/`))
  return index < 0 ? location : `<unit ${index + 1}>${location?.slice(units[index]?.length)}`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function judge(
  answer: Answer,
  wanted: RecordedAnswer | undefined,
  correction: Correction | undefined,
  answers: ReadonlyMap<string, Answer>,
): string | undefined {
  if (correction) return correction(answer, answers)
  return wanted ? difference(answer, wanted) : 'nobody says what is right here'
}

const isError = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'error' in json && typeof json.error === 'string' && json.error !== ''

/** Of an error its status counts, and that it says something; else every byte but what differs from run to run. */
function difference(answer: Answer, wanted: RecordedAnswer): string | undefined {
  const { status, type, location, text, json } = answer
  if (status !== wanted.status) return `status ${status}, not ${wanted.status}: ${text.slice(0, 150)}`
  if (location !== wanted.location) return `redirects to ${location}, not to ${wanted.location}`
  if (status >= 400) return isError(json) ? undefined : `an error that says nothing: ${text.slice(0, 150)}`
  if (json !== undefined && type !== wanted.type) return `content type ${type}, not ${wanted.type}`
  const got = JSON.stringify(json === undefined ? text : mask(json))
  const want = JSON.stringify(wanted.body)
  if (got === want) return undefined
  const at = [...want].findIndex((character, index) => character !== got[index])
  const around = (body: string) => body.slice(Math.max(0, at - 60), at + 120)
  return `differs at ${at}: wanted …${around(want)}… got …${around(got)}…`
}

async function auditAll(unit: UnitUnderTest): Promise<string[]> {
  const audits = await Promise.all([A, B].map((process) => audit(process, (question) => asked(unit, question))))
  const faults = audits.flatMap((one) => one.faults)
  const items = audits.flatMap((one) => one.items)
  return [...faults, ...(await missingUploads(unit, items))]
}

async function missingUploads({ uploaded }: UnitUnderTest, items: readonly string[]): Promise<string[]> {
  if (!uploaded) return []
  const until = performance.now() + UPLOAD_MS
  for (;;) {
    const there = await uploaded()
    const missing = items.filter((item) => !there.has(item))
    if (missing.length === 0 || performance.now() > until) return missing.map((item) => `${item} was not uploaded`)
    await sleep(200)
  }
}
