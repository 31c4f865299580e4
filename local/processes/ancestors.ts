/** What can be told of a process that is not a child, on Linux and elsewhere. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAlive, statOf } from './ending.ts'

const fromPs = (field: string, pid: number): string => {
  try {
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}

/** Its command line, or nothing where it cannot be told. */
export const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return fromPs('args', pid)
  }
}

/** Its parent, or 0 where it cannot be told. */
export const parentOf = (pid: number): number => Number(statOf(pid)?.[1] ?? fromPs('ppid', pid)) || 0

const shell = /^(\S*\/)?(sh|bash|dash|zsh|busybox)\s/

/**
 * Calls back when the npm that started this process is gone: a kill -9 of it reaches no one else, and would leave
 * everything running. Between npm and this process there may be a shell.
 */
export const watchNpm = (gone: () => void): void => {
  const { ppid } = process
  const npm = shell.test(commandOf(ppid)) ? parentOf(ppid) : ppid
  const isGone = (): boolean => {
    // Who loses its parent is given another one at once.
    if (process.ppid !== ppid) return true
    if (npm === ppid) return false
    return process.platform === 'linux' ? parentOf(ppid) !== npm : !isAlive(npm)
  }
  const timer = setInterval(() => {
    if (!isGone()) return
    clearInterval(timer)
    gone()
  }, 300)
  timer.unref()
}
