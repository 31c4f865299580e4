/**
 * Secrets: those that an operator sets (`sst secret set`), and those that nobody needs to know. All of them are marked as secret, so
 * that they are encrypted in the deployment's state, and become variables of the functions that read them.
 */
import { compactWallet } from '../../functions/config/compact-wallet.ts'
import type { Settings } from '../stage.ts'
import type { Place } from './places.ts'

/** SuWallet: the JWK. As short as it can be, since a function's variables may have 4 KB together. */
export const createWallet = (): $util.Output<string> =>
  $util.secret(new sst.Secret('SuWallet').value.apply(compactWallet))

export interface Database {
  /** DatabaseUrl{Region} */
  url: $util.Output<string>
  /** DatabaseReadUrl{Region}, where the settings say that there is a replica. */
  readUrl: $util.Output<string> | undefined
}

/** Each region has a database of its own. */
export const createDatabase = ({ suffix }: Place, withReplica: boolean): Database => ({
  url: new sst.Secret(`DatabaseUrl${suffix}`).value,
  readUrl: withReplica ? new sst.Secret(`DatabaseReadUrl${suffix}`).value : undefined,
})

/** MigrationSourceUrl{Region}: the address of the Rust unit's Postgres, for `mig`. */
export const createMigrationSource = ({ suffix }: Place): $util.Output<string> =>
  new sst.Secret(`MigrationSourceUrl${suffix}`).value

/** The key that encrypts the variables of the functions that have secrets, so that reading a function's configuration shows none. */
export const createKey = ({ region, suffix, options }: Place): aws.kms.Key =>
  new aws.kms.Key(
    `Secrets${suffix}`,
    { description: `Secrets of ${$app.name}/${$app.stage} in ${region}`, deletionWindowInDays: 30 },
    options,
  )

export interface SharedSecret {
  /** What is shown from now on. */
  current: $util.Output<string>
  /** As the functions' variables have it: that alone, or in a transition also the one before it, separated by a comma. */
  believed: $util.Output<string>
}

/** A secret between two parts of the deployment: 32 random hexadecimal digits. */
export function createSharedSecret(
  name: string,
  { secretsGeneration, secretsTransition }: Pick<Settings, 'secretsGeneration' | 'secretsTransition'>,
): SharedSecret {
  const made = (number: number) => $util.secret(new random.RandomBytes(`${name}${number}`, { length: 16 }).hex)
  const current = made(secretsGeneration)
  if (!secretsTransition) return { current, believed: current }
  return { current, believed: $util.interpolate`${current},${made(secretsGeneration - 1)}` }
}
