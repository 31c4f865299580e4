/** `npm start` as a test runs it: a process of its own, whose end and remains are looked at from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { isAlive, statOf } from '../../local/processes/ending.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const environment = { PATH: process.env.PATH, HOME: process.env.HOME }

export interface Started {
  process: ChildProcess
  url: string
  said(): string
}

/** `npm start`, but for npm. */
export const run = (variables: Record<string, string>, command = 'node local/start.ts'): Started => {
  const [program = '', ...args] = command.startsWith('sh ') ? ['sh', '-c', command.slice(3)] : command.split(' ')
  const child = spawn(program, args, { cwd: root, env: { ...environment, ...variables }, stdio: 'pipe' })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk))
  onTestFinished(async () => {
    const left = descendants(child.pid ?? 0)
    child.kill('SIGKILL')
    await gone(left)
  })
  return { process: child, url: `http://127.0.0.1:${variables.PORT}`, said: () => said }
}

export const health = async (url: string): Promise<number> =>
  fetch(`${url}/health`).then(
    ({ status }) => status,
    () => 0,
  )

export const ready = async (started: Started): Promise<void> => {
  await expect.poll(() => health(started.url), { timeout: 120_000, interval: 50 }).toBe(200)
}

export const exited = async ({ process: child }: Started): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

/** Everything that a process started, and what that started. */
export const descendants = (pid: number): number[] => {
  const all = readdirSync('/proc').map(Number).filter(Number.isInteger)
  const children = all.filter((one) => Number(statOf(one)?.[1]) === pid)
  return children.flatMap((child) => [child, ...descendants(child)])
}

export const gone = async (pids: number[]): Promise<void> => {
  await expect.poll(() => pids.filter(isAlive), { timeout: 15_000, interval: 50 }).toEqual([])
}

/** Every process that works on a state directory, by its command line or the folder it is in. */
export const workingOn = (dir: string): number[] => {
  const folders = ['postgres', 'region-1/postgres', 'region-2/postgres'].map((folder) => join(dir, folder))
  const marks = [dir, ...folders.filter((folder) => existsSync(folder)).map((folder) => realpathSync(folder))]
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const seen = `${readFileSync(`/proc/${pid}/cmdline`, 'utf8')} ${readlinkSync(`/proc/${pid}/cwd`)}`
        return marks.some((mark) => seen.includes(mark)) && isAlive(pid)
      } catch {
        return false
      }
    })
}
