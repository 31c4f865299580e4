/** Starts the stack's processes so that none of them can outlive it, not even a kill -9 of it. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Ending, end } from './ending.ts'
import type { ReaperMessage } from './reaper.ts'

export interface Keeper {
  /** Starts a process as the leader of a group of its own: a Ctrl-C in the terminal reaches the supervisor only. */
  spawn(command: string, args: readonly string[], options: SpawnOptions & { ending?: Ending }): ChildProcess
  /** Ends a process that was started here; resolves when it is gone. */
  end(child: ChildProcess): Promise<void>
  /** Ends what still runs, and gives the state directory back. `kill`: with nobody asked first. */
  close(how?: 'kill'): Promise<void>
}

/** Another supervisor lives in the state directory. */
export class StateDirInUse extends Error {
  constructor(stateDir: string) {
    super(`Another stack is running with its data in ${stateDir}. Stop it first, or give another STATE_DIR.`)
    this.name = 'StateDirInUse'
  }
}

/**
 * Starts the reaper, and with a state directory waits until that is this process's alone.
 * Fails with StateDirInUse where another stack has it.
 */
export const openKeeper = async (stateDir?: string): Promise<Keeper> => {
  const program = fileURLToPath(new URL('./reaper.ts', import.meta.url))
  const reaper = spawn(
    process.execPath,
    ['--no-warnings', program, String(process.pid), ...(stateDir === undefined ? [] : [stateDir])],
    { detached: true, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  reaper.stdin.on('error', () => {})
  const answers = createInterface({ input: reaper.stdout })
  const exited = once(reaper, 'exit')
  const [answer] = await Promise.race([once(answers, 'line'), exited])
  if (answer === 'held' && stateDir !== undefined) throw new StateDirInUse(stateDir)
  if (answer !== 'ready') throw new Error('The reaper, which ends the processes of the stack, did not start')

  const tell = (message: ReaperMessage): void => {
    reaper.stdin.write(`${JSON.stringify(message)}\n`)
  }
  const running = new Map<ChildProcess, Ending>()

  const endChild = async (child: ChildProcess, how?: 'kill'): Promise<void> => {
    const wanted = running.get(child)
    const ending = how === 'kill' && wanted === 'interrupt' ? 'kill' : wanted
    if (ending === undefined || child.pid === undefined || hasExited(child)) return
    const exit = once(child, 'exit')
    await end(child.pid, ending)
    await exit
  }

  return {
    spawn(command, args, { ending = 'kill', ...options }) {
      const child = spawn(command, args, { ...options, detached: true })
      const { pid } = child
      if (pid === undefined) return child
      running.set(child, ending)
      tell({ started: pid, ending })
      child.once('exit', () => {
        running.delete(child)
        tell({ ended: pid })
      })
      return child
    },
    end: (child) => endChild(child),
    async close(how) {
      await Promise.all([...running.keys()].map((child) => endChild(child, how)))
      reaper.stdin.end()
      if (!hasExited(reaper)) await exited
    },
  }
}

const hasExited = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null
