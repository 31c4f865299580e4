/** What the reference answered, masked: by profile and step. Steps that `corrections.ts` judges are not kept. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface RecordedAnswer {
  status: number
  type: string | null
  /** Of a redirect, the unit as `<unit 1>` or `<unit 2>`. */
  location?: string
  /** Of an answer that is no error: its JSON, or its text. */
  body?: unknown
}

export type Profile = 'main' | 'no-process-assignment' | 'max-size' | 'whitelist' | 'router'

export function recordedAnswers(profile: Profile): Record<string, RecordedAnswer> {
  const file = new URL('../data/conformance/recorded.json.gz', import.meta.url)
  const profiles: Record<Profile, Record<string, RecordedAnswer>> = JSON.parse(
    gunzipSync(readFileSync(file)).toString(),
  )
  return profiles[profile]
}
