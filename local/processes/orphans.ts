/** Ends what an earlier stack left behind where even its reaper was killed. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { commandOf } from './ancestors.ts'
import { type Ending, end, isAlive } from './ending.ts'

/**
 * Ends the process that `pidFile` names (first line) if its command line mentions `mark`, and removes the file: process
 * ids are used again, so the file alone proves nothing. Only for the holder of the state directory's lock.
 */
export const endOrphan = async (pidFile: string, mark: string, ending: Ending): Promise<void> => {
  if (!existsSync(pidFile)) return
  const pid = Number.parseInt(readFileSync(pidFile, 'utf8'), 10)
  if (pid > 0 && isAlive(pid) && commandOf(pid).includes(mark)) await end(pid, ending)
  rmSync(pidFile, { force: true })
}
