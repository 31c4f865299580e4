/**
 * Secrets: those that an operator sets (`sst secret set`), and those that nobody needs to know. All of them are marked as secret, so
 * that they are encrypted in the deployment's state, and become variables of the functions that read them.
 */
import { compactWallet } from '../../functions/config/compact-wallet.ts'
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

export interface SharedSecret {
  /** What is shown from now on. */
  current: $util.Output<string>
  /** As the functions' variables have it: that first, and the one before it, so that a change finds nobody unprepared. */
  believed: $util.Output<string>
}

/** A secret between two parts of the deployment: 32 hexadecimal digits by chance. @param generation 1 and more */
export function createSharedSecret(name: string, generation: number): SharedSecret {
  const made = (number: number) => $util.secret(new random.RandomBytes(`${name}${number}`, { length: 16 }).hex)
  const current = made(generation)
  if (generation === 1) return { current, believed: current }
  return { current, believed: $util.interpolate`${current},${made(generation - 1)}` }
}
