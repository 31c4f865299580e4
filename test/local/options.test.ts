/** What the stack reads from the environment, and what the functions get of it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environmentOf, needsStandIn, routerEnvironmentOf } from '../../local/environment.ts'
import { createLogFormat, mutable, timed } from '../../local/log.ts'
import { checkVariables, help, ownVariables, parseOptions } from '../../local/options.ts'
import { leftOut, routerVariables, unitVariables } from '../../local/region-variables.ts'
import { arweaveLine, nextCommand } from '../../local/summary.ts'
import { misspelt } from '../../local/variable-names.ts'

const temporary = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'su-test-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

describe('options', () => {
  test('defaults', () => {
    expect(parseOptions({})).toMatchObject({
      setup: { kind: 'unit' },
      port: 9000,
      instances: 4,
      concurrency: 1,
      awsFaults: false,
      fresh: false,
      watch: false,
      ports: {},
      variables: {},
    })
  })

  test('what makes no sense is a sentence', () => {
    expect(() => parseOptions({ PORT: 'abc' })).toThrow('PORT must be a whole number from 0 to 65535.')
    expect(() => parseOptions({ INSTANCES: '0' })).toThrow('INSTANCES must be a whole number from 1 to 1000.')
    for (const wrong of ['--frsh', '--fresh=no', 'fresh', '-f']) {
      expect(() => parseOptions({}, [wrong])).toThrow(
        `${wrong} is not known: there are --fresh, --watch and --regions N.`,
      )
    }
  })

  test('what is started', () => {
    expect(parseOptions({ MODE: 'su' }).setup).toEqual({ kind: 'unit' })
    for (const argv of [
      ['--regions', '2'],
      ['--fresh', '--regions=2', '--watch'],
    ]) {
      expect(parseOptions({ REGIONS: '3', MODE: 'su' }, argv).setup).toEqual({ kind: 'regions', count: 2 })
    }
    expect(parseOptions({ REGIONS: '3' }).setup).toEqual({ kind: 'regions', count: 3 })
    expect(parseOptions({ MODE: 'router' }).setup).toEqual({ kind: 'router' })
    for (const wrong of ['0', '10', 'two', '', '-1', '1.5', '--fresh']) {
      expect(() => parseOptions({}, ['--regions', wrong])).toThrow('--regions must be a whole number from 1 to 9.')
    }
    expect(() => parseOptions({}, ['--regions'])).toThrow('--regions must be a whole number from 1 to 9.')
    expect(() => parseOptions({ REGIONS: 'x' })).toThrow('REGIONS must be a whole number from 1 to 9.')
    expect(() => parseOptions({ PORT: '65535', REGIONS: '1' })).toThrow('PORT must be a whole number from 0 to 65534.')
    expect(() => parseOptions({ MODE: 'router' }, ['--regions', '2'])).toThrow('--regions starts units too')
    expect(() => parseOptions({ MODE: 'router', REGIONS: '2' })).toThrow('REGIONS starts units too')
  })

  test('configuration is passed on; what belongs to the stack, the shell, npm and AWS is not', () => {
    const options = parseOptions({
      PORT: '9001',
      LOG_LEVEL: 'debug',
      RETRY_WINDOW: '',
      PATH: '/bin',
      AWS_ACCESS_KEY_ID: 'real',
      AWS_PROFILE: 'real',
      npm_lifecycle_event: 'start',
      NODE_OPTIONS: '--inspect',
    })
    expect(options.variables).toEqual({ LOG_LEVEL: 'debug' })
  })
})

describe('variables that can never work', () => {
  const problems = (variables: Record<string, string>, argv: string[] = []) => {
    try {
      checkVariables(parseOptions(variables, argv))
      return []
    } catch (error) {
      return String(error).replace('StartError: ', '').split('\n')
    }
  }

  test('are named before anything starts, all of them, and no value is shown', () => {
    const connection =
      'DATABASE_URL must be a connection string with user, host and database: postgresql://user:password@host/database.'
    for (const wrong of [
      'postgres://127.0.0.1:1/x',
      'postgres://u:HUSH@h',
      'postgres://u:HUSH@h/',
      'mysql://u@h/d',
      'HUSH',
    ]) {
      expect(problems({ DATABASE_URL: wrong })).toEqual([connection])
    }
    expect(problems({ DATABASE_URL: 'postgres://u@h/d' })).toEqual([])
    const address = 'must be an address that begins with http:// or https://.'
    expect(problems({ GATEWAY_URL: 'arweave.net', UPLOAD_NODE_URL: 'nonsense', CACHE_URL: 'non' })).toEqual([
      `GATEWAY_URL ${address}`,
      `UPLOAD_NODE_URL ${address}`,
      `CACHE_URL ${address}`,
    ])
    expect(problems({ RETRY_WINDOW: 'soon', LOG_LEVEL: 'loud' })).toHaveLength(2)
  })

  test('are those of the functions that are started', () => {
    expect(problems({ PASS_ON: 'nothing' })).toEqual([])
    expect(problems({ PASS_ON: 'nothing', MODE: 'su' }, ['--regions', '2'])).toHaveLength(1)
    expect(problems({ PASS_ON: 'nothing', MODE: 'router' })).toHaveLength(1)
    expect(problems({ MODE: 'rooter' })).toHaveLength(1)
    expect(problems({ RETRY_WINDOW: 'soon', MODE: 'router' })).toEqual([])
  })
})

describe('misspelt variables', () => {
  test('are named with their nearest neighbour', () => {
    const meant = { RETRY_WINDW: 'RETRY_WINDOW', DATABSE_URL: 'DATABASE_URL', STATEDIR: 'STATE_DIR', REGION: 'REGIONS' }
    for (const [name, neighbour] of Object.entries(meant)) {
      expect(misspelt({ [name]: '1' })).toEqual([
        `${name} has no effect: no such variable is known. Did you mean ${neighbour}?`,
      ])
    }
  })

  test('variables of the shell and of other programs are none', () => {
    const shell = `PATH HOME LANG LC_ALL LANGUAGE USER USERNAME HOSTNAME HOSTTYPE SHELL SHLVL PWD OLDPWD TERM COLORTERM
      LS_COLORS MAIL DISPLAY NAME CODE NODE_ENV npm_config_cache JAVA_HOME GOPATH VISUAL PAGER LESS CI DEBUG TZ
      HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy GITHUB_TOKEN GITHUB_SHA DOCKER_HOST KUBECONFIG VIRTUAL_ENV PS1
      PYTHONPATH AWS_PROFILE AWS_REGION DBUS_SESSION_BUS_ADDRESS WSL_DISTRO_NAME VSCODE_PID PGHOST PGUSER PGPORT
      PGPASSWORD PGDATABASE NVM_DIR HISTSIZE MANPATH INFOPATH HOMEBREW_PREFIX SSH_AUTH_SOCK XDG_RUNTIME_DIR`
    expect(misspelt(Object.fromEntries(shell.split(/\s+/).map((name) => [name, '1'])))).toEqual([])
  })

  test('in .env any variable is meant for the stack; those of the example are all known', () => {
    expect(misspelt({ SOMETHING: '1' }, { SOMETHING: '1' })).toEqual([
      'SOMETHING has no effect: no such variable is known. See docs/configuration.md.',
    ])
    const example = readFileSync('.env.example', 'utf8').matchAll(/^# ([A-Z][A-Z\d_]+)=/gm)
    const variables = Object.fromEntries([...example].map(([, name = '']) => [name, '1']))
    expect(misspelt(variables, { ...variables, WALLET: 'w.json' })).toEqual([])
  })
})

describe('a start for people', () => {
  test('the help has every flag, and no variable that is not read', () => {
    for (const flag of ['--regions', '--fresh', '--watch', '--help']) expect(help).toContain(`  ${flag}`)
    const known = readFileSync('.env.example', 'utf8')
    for (const [name] of help.matchAll(/\b[A-Z]+(_[A-Z]+)+\b/g)) expect(known).toContain(`${name}=`)
    for (const name of ['PORT', 'STATE_DIR', 'INSTANCES', 'REGIONS']) {
      expect(ownVariables).toContain(name)
      expect(help).toContain(name)
    }
  })

  test('a step is noted when it is done, with its time', async () => {
    const notes: string[] = []
    expect(await timed({ note: (message) => notes.push(message) }, 'S3', Promise.resolve(1))).toBe(1)
    expect(notes).toEqual([expect.stringMatching(/^S3: ready in \d+\.\d s$/)])
    await expect(timed({ note: (message) => notes.push(message) }, 'S3', Promise.reject(Error('no')))).rejects.toThrow()
    expect(notes).toHaveLength(1)
  })

  test('functions’ lines are dropped while the host checks their health, and after a failure', async () => {
    const lines: string[] = []
    const log = mutable({ line: (_, line) => lines.push(line), note() {} })
    log.line('su', 'one')
    await log.mute(async () => log.line('su', 'two'))
    log.line('su', 'three')
    await expect(log.mute(() => Promise.reject(Error('no')))).rejects.toThrow('no')
    log.line('su', 'a line that comes late')
    expect(lines).toEqual(['one', 'three'])
  })

  test('the next command finds this stack', () => {
    const send = `npm run -s send -- process 'print("hello")'`
    expect(nextCommand('http://127.0.0.1:9000', parseOptions({}))).toBe(send)
    expect(nextCommand('http://127.0.0.1:9001', parseOptions({ STATE_DIR: '/state' }))).toBe(
      `URL=http://127.0.0.1:9001 STATE_DIR=/state ${send}`,
    )
  })

  test('one address for gateway, bundler and cache is shown once', () => {
    const one = 'http://127.0.0.1:4000'
    const stack = { GATEWAY_URL: one, UPLOAD_NODE_URL: one, CACHE_URL: one }
    expect(arweaveLine(stack)[1]).toBe(`${one}, gateway, bundler and cache in one`)
    expect(arweaveLine({ ...stack, CACHE_URL: 'none' })[1]).toBe(`gateway ${one}, bundler ${one}, cache none`)
  })
})

describe('environment of the functions', () => {
  const places = {
    url: 'http://127.0.0.1:9000',
    dynamodb: 'http://127.0.0.1:1',
    s3: 'http://127.0.0.1:2',
    gateway: 'http://127.0.0.1:3',
    variables: { HEADS_TABLE: 'su-heads', DATABASE_URL: 'postgres://127.0.0.1/su' },
  }
  const environment = (variables: Record<string, string>, gateway: string | undefined = places.gateway) =>
    environmentOf({ ...parseOptions({ STATE_DIR: '/state' }), variables }, { ...places, gateway })

  test('without anything given the stand-in is everything, and the wallet is the stack’s own', () => {
    expect(environment({})).toMatchObject({
      URL: 'http://127.0.0.1:9000',
      GATEWAY_URL: 'http://127.0.0.1:3',
      GRAPHQL_URL: 'http://127.0.0.1:3',
      ARWEAVE_URL: 'http://127.0.0.1:3',
      ARWEAVE_URL_LIST: 'http://127.0.0.1:3',
      UPLOAD_NODE_URL: 'http://127.0.0.1:3',
      CACHE_URL: 'http://127.0.0.1:3',
      SU_WALLET_PATH: '/state/wallet.json',
      AWS_ACCESS_KEY_ID: 'local',
    })
  })

  test('what is given is used, and what goes by GATEWAY_URL follows it', () => {
    const given = {
      GATEWAY_URL: 'https://g',
      ARWEAVE_URL_LIST: 'https://a,https://b',
      CACHE_URL: 'none',
      SU_WALLET: '{}',
    }
    const made = environment(given)
    expect(made).toMatchObject({ ...given, ARWEAVE_URL: 'https://g', UPLOAD_NODE_URL: 'http://127.0.0.1:3' })
    expect(made).not.toHaveProperty('SU_WALLET_PATH')
    expect(needsStandIn(given)).toBe(true)
    expect(needsStandIn({ ...given, UPLOAD_NODE_URL: 'https://u' })).toBe(false)
  })

  test('a relative path of the wallet does not depend on where a function runs', () => {
    expect(environment({ SU_WALLET_PATH: 'w.json' }).SU_WALLET_PATH).toBe(`${process.cwd()}/w.json`)
  })
})

describe('environment of regions', () => {
  const options = (variables: Record<string, string>) => ({ ...parseOptions({ STATE_DIR: temporary() }), variables })
  const places = { router: 'http://127.0.0.1:9000', dynamodb: 'http://127.0.0.1:1', gateway: 'http://127.0.0.1:2' }
  const units = ['http://127.0.0.1:9001', 'http://127.0.0.1:9002']

  test('each unit has its own address, and shares wallet, gateway, placements and secret with the others', () => {
    const given = options({ MODE: 'su', URL: 'https://public.example', SCHEDULER_LIST: '[]', LOG_LEVEL: 'warn' })
    const made = unitVariables(given, 'http://127.0.0.1:9002', places)
    expect(made).toEqual({
      LOG_LEVEL: 'warn',
      URL: 'http://127.0.0.1:9002',
      ROUTER_URL: 'http://127.0.0.1:9000',
      GATEWAY_URL: 'http://127.0.0.1:2',
      UPLOAD_NODE_URL: 'http://127.0.0.1:2',
      CACHE_URL: 'http://127.0.0.1:2',
      PLACEMENTS_TABLE: 'su-placements',
      PLACEMENTS_ENDPOINT: 'http://127.0.0.1:1',
      SU_WALLET_PATH: `${given.stateDir}/wallet.json`,
      ROUTER_SECRET: expect.stringMatching(/^[\w-]{43}$/),
    })
    expect(unitVariables(given, 'http://127.0.0.1:9001', places).ROUTER_SECRET).toBe(made.ROUTER_SECRET)
    expect(routerVariables(given, units).ROUTER_SECRET).toBe(made.ROUTER_SECRET)
  })

  test('what is given is used', () => {
    const given = { SU_WALLET: '{}', GATEWAY_URL: 'https://g', ROUTER_SECRET: 'known to both of them' }
    const made = unitVariables(options(given), 'http://127.0.0.1:9001', places)
    expect(made).toMatchObject(given)
    expect(made).not.toHaveProperty('SU_WALLET_PATH')
    const list = JSON.stringify([{ url: 'http://127.0.0.1:9002/' }])
    expect(routerVariables(options({ SCHEDULER_LIST: list, MODE: 'su' }), units)).toMatchObject({
      SCHEDULER_LIST: list,
    })
    expect(leftOut(options({ SCHEDULER_LIST: list }), units)).toEqual(['http://127.0.0.1:9001'])
    expect(leftOut(options({ SCHEDULER_LIST: 'nonsense' }), units)).toEqual([])
    expect(leftOut(options({}), units)).toEqual([])
  })

  test('the router has the list of units, and neither a wallet nor a database', () => {
    const given = options({ SU_WALLET: '{}', DATABASE_URL: 'postgres://p', PASS_ON: 'everything' })
    const variables = routerVariables(given, units)
    const made = routerEnvironmentOf({ variables }, { url: places.router, dynamodb: places.dynamodb, variables: {} })
    expect(JSON.parse(made.SCHEDULER_LIST ?? '')).toEqual(units.map((url) => ({ url })))
    expect(made).toMatchObject({ URL: places.router, PASS_ON: 'everything', PLACEMENTS_ENDPOINT: places.dynamodb })
    expect(Object.keys(made).filter((name) => /WALLET|DATABASE/.test(name))).toEqual([])
    const file = routerEnvironmentOf(
      { variables: { SCHEDULER_LIST_PATH: 'units.json' } },
      { url: places.router, dynamodb: places.dynamodb, variables: {} },
    )
    expect(file.SCHEDULER_LIST_PATH).toBe(`${process.cwd()}/units.json`)
  })
})

test('the log is readable, names the function, and leaves metrics out', () => {
  const format = createLogFormat(false)
  const line = JSON.stringify({
    level: 'info',
    time: '2026-01-01T00:00:00.000Z',
    service: 'su',
    message: 'hello',
    n: 1,
  })
  expect(format('su 1234', line)).toMatch(/^su 1234 {10}\[.*] INFO: hello {"n":1}$/)
  expect(format('su 1234', 'plain')).toBe('su 1234          plain')
  expect(format('su 1234', '{"_aws":{}}')).toBeUndefined()
  const console = JSON.stringify({
    timestamp: '2026-01-01T00:00:00.000Z',
    level: 'ERROR',
    message: 'oh',
    requestId: 'r',
  })
  expect(format('su', console)).toContain('ERROR: oh')
})
