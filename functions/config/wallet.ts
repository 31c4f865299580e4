/** The unit's Arweave wallet: the JWK itself, or no more than its primes, as a secret, or a file that holds it. Whether it can sign is the signer's to say. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { completeWallet } from './compact-wallet.ts'
import { Secret } from './secret.ts'

const whole = v.looseObject({ kty: v.literal('RSA'), n: v.string(), d: v.string() })
const compact = v.pipe(
  v.strictObject({ kty: v.literal('RSA'), e: v.literal('AQAB'), p: v.string(), q: v.string() }),
  v.transform(completeWallet),
)
const jwk = v.pipe(v.string(), v.parseJson(), v.union([whole, compact]))

const WANTED = 'must be the JSON of an Arweave wallet, a JWK with its private key.'

export const wallet = v.pipe(
  v.object({ SU_WALLET: v.optional(v.string()), SU_WALLET_PATH: v.optional(v.string()) }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }) => {
    const problem = (message: string) => {
      addIssue({ message })
      return NEVER
    }
    const { SU_WALLET: text, SU_WALLET_PATH: path } = env
    if (text !== undefined) {
      // What the parser says shows parts of what it parsed: not to be repeated.
      const parsed = v.safeParse(jwk, text)
      return parsed.success ? new Secret(parsed.output) : problem(`SU_WALLET ${WANTED}`)
    }
    if (path === undefined) {
      return problem(
        "SU_WALLET is missing: set it to the JSON of the unit's Arweave wallet, or SU_WALLET_PATH to a file with it.",
      )
    }
    try {
      const parsed = v.safeParse(jwk, readFileSync(path, 'utf8'))
      return parsed.success ? new Secret(parsed.output) : problem(`The file that SU_WALLET_PATH names ${WANTED}`)
    } catch {
      return problem('SU_WALLET_PATH names a file that cannot be read: set it to the path of a wallet file.')
    }
  }),
)
