/**
 * What is where in a state directory. A unit that runs alone has its data in it; with regions each has a folder of its own, and so
 * has the router. Both may have been there, one after the other: neither takes the other's away.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { environmentFile } from './environment.ts'
import type { Setup } from './options.ts'
import { removePlace } from './postgres/place.ts'
import { openKeeper } from './processes/keeper.ts'

export const routerDir = (stateDir: string): string => join(stateDir, 'router')
/** @param number from 1 on */
export const regionDir = (stateDir: string, number: number): string => join(stateDir, `region-${number}`)
/** The Arweave stand-in's: one for all units. */
export const gatewayDir = (stateDir: string): string => join(stateDir, 'gateway')
/** DynamoDB's, of a unit and of a router. */
export const dynamodbDir = (stateDir: string): string => join(stateDir, 'dynamodb')

/** The folders of all regions that ever were. */
const regionDirs = (stateDir: string): string[] =>
  readdirSync(stateDir)
    .filter((name) => /^region-\d+$/.test(name))
    .map((name) => join(stateDir, name))

/** What a start must not take from under itself: the wallet, and the lock, which it holds. */
const keptNames: ReadonlySet<string> = new Set(['wallet.json', 'lock.db', 'supervisor.pid'])

/**
 * Removes everything but the wallet. Only for the holder of the state directory's lock.
 * Fails with StateDirInUse where somebody else works on a region's data.
 */
export const forget = async (stateDir: string): Promise<void> => {
  for (const region of regionDirs(stateDir)) {
    const keeper = await openKeeper(region)
    try {
      for (const name of readdirSync(region)) if (!keptNames.has(name)) removePlace(join(region, name))
    } finally {
      await keeper.close()
    }
  }
  for (const name of readdirSync(stateDir)) if (!keptNames.has(name)) removePlace(join(stateDir, name))
}

/** Removes what earlier starts told commands of where things are: nobody is there any more. */
export const forgetEnvironments = (stateDir: string): void => {
  for (const dir of [stateDir, routerDir(stateDir), ...regionDirs(stateDir)]) {
    rmSync(join(dir, environmentFile), { force: true })
  }
}

/** A sentence where the state directory has the data of another setup too, which is not served now. */
export const notServed = (stateDir: string, kind: Setup['kind']): string | undefined => {
  const regions = regionDirs(stateDir).filter((dir) => existsSync(dynamodbDir(dir))).length
  if (kind === 'unit' && regions > 0) {
    return `the processes of ${regions === 1 ? 'a region' : `${regions} regions`} are in ${stateDir} too, and not served now: npm start -- --regions ${regions} serves them.`
  }
  if (kind === 'regions' && existsSync(dynamodbDir(stateDir))) {
    return `the processes of a unit that ran alone are in ${stateDir} too, and not served now: npm start without --regions serves them.`
  }
  return undefined
}
