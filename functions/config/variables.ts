/** The kinds of variables. Each message goes on after the variable's name, and says what to do. */
import * as v from 'valibot'
import { isId } from '../../core/ans104/base64url.ts'
import { Secret } from './secret.ts'

const POSTGRES = ['postgres:', 'postgresql:']

/** A variable that must be set. @param what what to set it to: "the name of the table of heads" */
export const required = <T>(what: string, schema: v.GenericSchema<string, T>) =>
  v.optional(v.pipe(v.string(), v.nonEmpty(`is missing: set it to ${what}.`), schema), '')

export const text = v.string()

export const httpUrl = v.pipe(
  v.string(),
  v.check(
    (value) => hasProtocol(value, ['http:', 'https:']),
    'must be an address that begins with http:// or https://.',
  ),
)

export const postgresUrl = v.pipe(
  v.string(),
  v.check((value) => hasProtocol(value, POSTGRES), 'must be a connection string that begins with postgresql://.'),
  v.transform((value) => new Secret(value)),
)

/** Of the database of metadata. Neon's driver sends no query without a user, a host and a database. */
export const neonUrl = v.pipe(
  v.string(),
  v.check((value) => {
    if (!hasProtocol(value, POSTGRES)) return false
    const { username, pathname } = new URL(value)
    return username !== '' && pathname.length > 1
  }, 'must be a connection string with user, host and database: postgresql://user:password@host/database.'),
  v.transform((value) => new Secret(value)),
)

/** `true` or `false`. */
export const flag = (fallback: boolean) =>
  v.optional(
    v.pipe(
      v.string(),
      v.toLowerCase(),
      v.picklist(['true', 'false'], 'must be true or false.'),
      v.transform((value) => value === 'true'),
    ),
    `${fallback}`,
  )

/** A whole number. @param unit what is counted, as it stands after "a number of" */
export const count = (unit: string, fallback: number, min = 1, max = Number.MAX_SAFE_INTEGER) => {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`
  const message = `must be a number of ${unit}${bounds}, in digits only.`
  return v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,16}$/, message),
      v.transform(Number),
      v.minValue(min, message),
      v.maxValue(max, message),
    ),
    `${fallback}`,
  )
}

const commaSeparated = v.pipe(
  v.string(),
  v.transform((value) =>
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ),
)

/** What two sides know and nobody else. Two of them while it is changed, the new one first: either is good. */
export const secrets = v.optional(
  v.pipe(
    commaSeparated,
    v.check(
      (list) => (list.length === 1 || list.length === 2) && list.every(({ length }) => length >= 16),
      'must be a secret of 16 characters or more, or two of them separated by a comma.',
    ),
    v.transform((list): Secret<readonly string[]> => new Secret(list)),
  ),
)

/** Addresses, separated by commas. */
export const httpUrls = v.pipe(
  commaSeparated,
  v.check(
    (urls) => urls.length > 0 && urls.every((url) => hasProtocol(url, ['http:', 'https:'])),
    'must list addresses that begin with http:// or https://, separated by commas.',
  ),
)

/** Ids or wallets' addresses, separated by commas. */
export const ids = v.optional(
  v.pipe(
    commaSeparated,
    v.check((list) => list.every(isId), 'must list ids or addresses of 43 base64url characters, separated by commas.'),
    v.transform((list): ReadonlySet<string> => new Set(list)),
  ),
  '',
)

/** Numbers out of these, separated by commas. */
export const numbersOf = (allowed: readonly number[]) =>
  v.optional(
    v.pipe(
      commaSeparated,
      v.transform((list) => list.map(Number)),
      v.check(
        (numbers) => numbers.every((number) => allowed.includes(number)),
        `may list ${allowed.join(' and ')}, separated by commas.`,
      ),
    ),
    '',
  )

function hasProtocol(value: string, protocols: readonly string[]): boolean {
  const url = URL.parse(value)
  return url !== null && url.hostname !== '' && protocols.includes(url.protocol)
}
