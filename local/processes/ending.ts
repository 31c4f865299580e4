/** How a process of the stack is ended, by the supervisor in order or by the reaper after the supervisor's death. */

import { readFileSync } from 'node:fs'

/**
 * `kill`: nothing is lost by it, its whole group at once. `linger`: killed a moment later (DynamoDB Local answers a
 * transaction just before it commits it, so the last one would be lost). `interrupt`: asked first (Postgres then closes
 * its files, and its backends with it), killed if it takes too long.
 */
export type Ending = 'kill' | 'linger' | 'interrupt'

const lingerMs = 250

/** State, parent and what follows them in Linux's own table; undefined on other systems, or where there is no such process. */
export const statOf = (pid: number): string[] | undefined => {
  try {
    // Before them come the id and the name in brackets, which may hold anything.
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
  } catch {
    return undefined
  }
}

/** How long an interrupted process may take, ms. */
export const patienceMs = 8_000

/** Whether it runs. One that has ended and that its parent has not asked after (a zombie) does not. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
  }
  return !/^Z|^X/.test(statOf(pid)?.[0] ?? '')
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It is gone already, which is all that is wanted.
  }
}

/** Resolves when no process of that id is there any more, or when the time is over; says which. */
export const gone = async (pid: number, withinMs: number): Promise<boolean> => {
  const deadline = Date.now() + withinMs
  while (isAlive(pid)) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return true
}

/**
 * Ends a process that leads its own group. Resolves when it is gone. Called for children (which the caller's runtime
 * reaps) and for orphans (which init reaps).
 */
export const end = async (pid: number, ending: Ending): Promise<void> => {
  if (ending === 'linger') await gone(pid, lingerMs)
  if (ending === 'interrupt') {
    signal(pid, 'SIGINT')
    if (await gone(pid, patienceMs)) return
  }
  signal(-pid, 'SIGKILL')
  signal(pid, 'SIGKILL')
  await gone(pid, 2_000)
}
