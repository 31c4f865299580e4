/**
 * A program of its own that outlives the supervisor, whatever ends it, and then ends everything the supervisor started.
 * It is told of each process on its standard input, one JSON value a line, and acts when that pipe closes: the kernel
 * closes it at a kill -9 too. It also holds the lock on the state directory, until the last process is gone, so that
 * the next start never meets the remains of this one.
 *
 *   node reaper.ts SUPERVISOR_PID [STATE_DIR]
 *
 * Says on standard output `ready`, or `held` when another supervisor lives in that state directory.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { type Ending, end, isAlive } from './ending.ts'

/** What the supervisor says: a process was started, or is gone. */
export type ReaperMessage = { started: number; ending: Ending } | { ended: number }

const [supervisor = '', stateDir] = process.argv.slice(2)
const supervisorPid = Number(supervisor)

/** How long the remains of a supervisor that died may take to end, ms. */
const handoverMs = 20_000

/**
 * SQLite's exclusive lock is the operating system's own: it cannot outlive its holder, so it is never stale.
 * Undefined: somebody else has it.
 */
const tryLock = (file: string): DatabaseSync | undefined => {
  const database = new DatabaseSync(file)
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return database
  } catch {
    database.close()
    return undefined
  }
}

const lockState = async (dir: string): Promise<DatabaseSync | undefined> => {
  const owner = join(dir, 'supervisor.pid')
  const deadline = Date.now() + handoverMs
  for (;;) {
    const lock = tryLock(join(dir, 'lock.db'))
    if (lock) {
      writeFileSync(owner, String(supervisorPid))
      return lock
    }
    const other = existsSync(owner) ? Number(readFileSync(owner, 'utf8')) : 0
    // A living owner keeps it; a dead one's reaper is at work and done in a moment.
    if ((other > 0 && isAlive(other)) || Date.now() > deadline) return undefined
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const say = (word: string): void => {
  process.stdout.write(`${word}\n`)
}

const main = async (): Promise<void> => {
  // The supervisor may be gone by the time something is said to it.
  process.stdout.on('error', () => {})
  const running = new Map<number, Ending>()
  const input = createInterface({ input: process.stdin })
  input.on('line', (line) => {
    const message: ReaperMessage = JSON.parse(line)
    if ('started' in message) running.set(message.started, message.ending)
    else running.delete(message.ended)
  })
  const closed = new Promise<void>((resolve) => input.once('close', resolve))

  const lock = stateDir === undefined ? undefined : await lockState(stateDir)
  if (stateDir !== undefined && lock === undefined) {
    say('held')
    return
  }
  say('ready')
  await closed
  await Promise.all([...running].map(([pid, ending]) => end(pid, ending)))
  if (stateDir !== undefined) rmSync(join(stateDir, 'supervisor.pid'), { force: true })
  lock?.close()
}

await main()
process.exit(0)
