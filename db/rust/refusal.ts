/**
 * What is wrong with a source, in a sentence. The driver's own messages name hosts and users, and a cause ends up in a log: only
 * the code of a failure is kept.
 */
import { SchedulerError } from '../../core/errors.ts'
import { sqlState } from '../postgres/failures.ts'

/** By SQLSTATE: what no other attempt will mend. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [/^28/, 'does not let this user in'],
  [/^3D000/, 'has no such database'],
  [/^42501/, 'does not let this user read its tables'],
  [/^42/, 'has not the tables of a Rust unit or router'],
]

/** Codes of TLS: of a certificate that nobody known has signed, that is another host's, or that is too old. */
const ABOUT_CERTIFICATES = /CERT|SELF_SIGNED|ALTNAME/

/** `invalid-request` for what the operator has to mend, `unavailable` for what may pass. */
export function refusal(error: unknown): SchedulerError {
  const state = sqlState(error)
  // Of PgBouncer, and of what is made of it, which has one code for all that it does not like.
  if (error instanceof Error && error.message.includes('unsupported startup parameter')) {
    return wrong('The source is a pooler that takes no settings of a session: give the address of Postgres itself.')
  }
  const known = REFUSALS.find(([states]) => state !== undefined && states.test(state))
  if (known !== undefined) return wrong(`The source ${known[1]} (${state}).`)
  if (state !== undefined) return new SchedulerError('unavailable', `The source fails (${state}).`)
  const code = codeOf(error)
  if (code !== undefined && ABOUT_CERTIFICATES.test(code)) {
    return wrong(
      `The source's certificate is not trusted (${code}): name its authority by sslrootcert, or take any by sslmode=no-verify.`,
    )
  }
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') {
    return wrong(`A file that the source's address names cannot be read (${code}).`)
  }
  // The driver has no code for this one.
  if (error instanceof Error && error.message.includes('does not support SSL')) {
    return wrong('The source takes no TLS: say sslmode=disable if that is as it should be.')
  }
  return new SchedulerError('unavailable', `The source does not answer${code === undefined ? '' : ` (${code})`}.`)
}

const wrong = (sentence: string) => new SchedulerError('invalid-request', sentence)

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
