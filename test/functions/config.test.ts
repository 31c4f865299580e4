import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { access, routerAccess } from '../../functions/config/access.ts'
import {
  parseHeightConfig,
  parseMigConfig,
  parseMigPlacementsConfig,
  parsePackerConfig,
  parseReconcilerConfig,
  parseRelayConfig,
  parseRouterConfig,
  parseSuConfig,
} from '../../functions/config/functions.ts'
import { gateway } from '../../functions/config/gateway.ts'
import { logging } from '../../functions/config/logging.ts'
import { migration } from '../../functions/config/migration.ts'
import { modeOf } from '../../functions/config/mode.ts'
import { replacedVariables } from '../../functions/config/notices.ts'
import { ConfigurationError, type Environment } from '../../functions/config/parse.ts'
import { passOn } from '../../functions/config/pass-on.ts'
import { ownPlacement, placements } from '../../functions/config/placements.ts'
import { postgres } from '../../functions/config/postgres.ts'
import { rules, signatures } from '../../functions/config/rules.ts'
import { Secret } from '../../functions/config/secret.ts'
import { routerServing, serving } from '../../functions/config/serving.ts'
import { store, submissions } from '../../functions/config/store.ts'
import { units } from '../../functions/config/units.ts'
import { upload } from '../../functions/config/upload.ts'
import { wallet } from '../../functions/config/wallet.ts'
import { kept, ownVariables } from '../../local/options.ts'

const JWK = '{"kty":"RSA","e":"AQAB","n":"PUBLIC","d":"HUSHHUSH"}'
const ADDRESS = 'Y4KzzIgUErd7_K7tAmABwA2eMCXmbCD25-kvB5hRRig'

const tables = { HEADS_TABLE: 'h', RECORDS_TABLE: 'r', IDS_TABLE: 'i', BUCKET: 'b' }
const minimal = { ...tables, SUBMISSIONS_TABLE: 'o', GATEWAY_URL: 'https://gateway.example', SU_WALLET: JWK }
const mig = { ...tables, GATEWAY_URL: 'https://gateway.example' }
const relay = { ...tables, UPLOAD_NODE_URL: 'https://bundler.example' }

const list = '[{"url":"https://su1.example"},{"url":"https://su2.example"}]'
const router = { PLACEMENTS_TABLE: 'p', SCHEDULER_LIST: list }

const su = (env: Environment = {}) => parseSuConfig({ ...minimal, ...env })
const routerOf = (env: Environment = {}) => parseRouterConfig({ ...router, ...env })

/** The sentences about a wrong environment. */
function problems(parse: () => unknown): readonly string[] {
  try {
    parse()
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

/** The path of a file for this test. */
function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'file.json'), text)
  return join(folder, 'file.json')
}

describe('the configuration of the unit', () => {
  it('has the defaults of the contract', () => {
    expect(su()).toMatchObject({
      mode: 'su',
      logging: { level: 'info' },
      gateway: {
        arweaveUrl: 'https://gateway.example',
        graphqlUrl: 'https://gateway.example',
        bootUrls: ['https://arweave.net', 'https://g8way.io'],
        maxDataBytes: 100_000_000,
      },
      rules: { signatureTypes: [1, 3], processAssignment: true, deepHashChecks: true, retryWindowMs: 1_800_000 },
      access: { ipListUrl: undefined, processList: undefined },
      placement: undefined,
      serving: {
        maxBodyBytes: 4_500_000,
        maxPageBytes: 5_000_000,
        headsRemembered: 20_000,
        metrics: true,
        cdnSecrets: undefined,
        routerSecrets: undefined,
      },
      postgres: { url: undefined, readUrl: undefined, readConcurrency: 10, writeConcurrency: 10 },
    })
    expect(su().rules).not.toHaveProperty('size')
  })

  it('does as it is told', () => {
    const config = su({
      LOG_LEVEL: 'debug',
      ARWEAVE_URL: 'http://127.0.0.1:1984/path/',
      GRAPHQL_URL: 'https://graphql.example',
      ARWEAVE_URL_LIST: ' http://a.example , http://b.example,',
      MAX_ASSIGN_BYTES: '1000',
      ENABLE_PROCESS_ASSIGNMENT: 'false',
      ENABLE_DEEP_HASH_CHECKS: 'FALSE',
      ENABLE_METRICS: 'false',
      RETRY_WINDOW: '0',
      EXTRA_SIGNATURE_TYPES: '4, 2',
      ENABLE_MESSAGE_MAX_SIZE: 'true',
      MAX_MESSAGE_SIZE_BYTES: '2000',
      MAX_SIZE_OWNER_WHITELIST: `${ADDRESS}, ,`,
      IP_WHITELIST_URL: 'http://lists.example/ips',
      PROCESS_WHITELIST_URL: 'http://lists.example/processes',
      URL: 'https://su.example',
      PROCESS_CACHE_SIZE: '5',
      MAX_PAGE_BYTES: '4000',
      MAX_READ_MEMORY: '3000',
      DATABASE_URL: 'postgres://u:p@h/d',
      DATABASE_READ_URL: 'postgresql://u:p@replica/d',
      DB_READ_CONNECTIONS: '3',
    })
    expect(config).toMatchObject({
      logging: { level: 'debug' },
      gateway: {
        arweaveUrl: 'http://127.0.0.1:1984/path/',
        graphqlUrl: 'https://graphql.example',
        bootUrls: ['http://a.example', 'http://b.example'],
        maxDataBytes: 1000,
      },
      rules: {
        signatureTypes: [1, 3, 4, 2],
        processAssignment: false,
        deepHashChecks: false,
        retryWindowMs: 0,
        size: { maxBytes: 2000, owners: new Set([ADDRESS]), fromProcesses: new Set(), fromOwners: new Set() },
      },
      access: {
        ipListUrl: 'http://lists.example/ips',
        processList: { url: 'http://lists.example/processes', ownUrl: 'https://su.example' },
      },
      serving: { headsRemembered: 5, maxPageBytes: 3000, metrics: false },
      postgres: { readConcurrency: 3 },
    })
    expect(config.postgres.url?.reveal()).toBe('postgres://u:p@h/d')
    expect(config.postgres.readUrl?.reveal()).toBe('postgresql://u:p@replica/d')
    expect(su({ DATABASE_URL: 'postgres://u:p@h/d' }).postgres.readUrl?.reveal()).toBe('postgres://u:p@h/d')
  })

  it('takes what is set to nothing, or to blanks, as not set', () => {
    const empty = Object.fromEntries(
      ['LOG_LEVEL', 'URL', 'DATABASE_URL', 'RETRY_WINDOW', 'MODE'].map((name) => [name, ' ']),
    )
    const { notices: _, ...config } = su({ ...empty, ENABLE_METRICS: '', EXTRA_SIGNATURE_TYPES: '' })
    const { notices: __, ...expected } = su()
    expect(inspect(config, { depth: 9 })).toBe(inspect(expected, { depth: 9 }))
  })

  it('cannot be changed afterwards', () => {
    const config = su({ EXTRA_SIGNATURE_TYPES: '2' })
    for (const part of [config, config.rules, config.rules.signatureTypes, config.gateway, config.gateway.bootUrls]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})

describe('the configuration of a unit beside others', () => {
  const table = { PLACEMENTS_TABLE: 'p', URL: 'https://SU1.example:443/' }

  it('names the table of placements, and the home region of it', () => {
    expect(su({ ...table, PLACEMENTS_REGION: 'eu-west-1', AWS_REGION: 'us-east-1' }).placement).toEqual({
      kind: 'table',
      table: 'p',
      ownUrl: 'https://su1.example',
      homeRegion: 'eu-west-1',
      ownRegion: 'us-east-1',
      endpoint: undefined,
    })
    expect(
      su({ ...table, AWS_REGION: 'us-east-1', PLACEMENTS_ENDPOINT: 'http://127.0.0.1:8000' }).placement,
    ).toMatchObject({ homeRegion: 'us-east-1', ownRegion: 'us-east-1', endpoint: 'http://127.0.0.1:8000' })
  })

  it('or the router that is asked', () => {
    const env = { ENABLE_ROUTER_CHECK: 'true', URL: 'http://127.0.0.1:9001' }
    expect(su(env).placement).toEqual({
      kind: 'router',
      routerUrl: 'https://su-router.ao-testnet.xyz',
      ownUrl: 'http://127.0.0.1:9001',
    })
    expect(su({ ...env, ROUTER_URL: 'http://router.example' }).placement).toMatchObject({
      routerUrl: 'http://router.example',
    })
    // The table cannot be got around.
    expect(su({ ...env, ...table }).placement).toMatchObject({ kind: 'table' })
  })

  it.each(['https://su.example/path', 'https://u:p@su.example', 'https://su.example/?x', 'https://su.example/#x'])(
    'refuses the address %s',
    (URL) => {
      for (const env of [{ PLACEMENTS_TABLE: 'p' }, { ENABLE_ROUTER_CHECK: 'true' }]) {
        expect(problems(() => su({ ...env, URL }))).toEqual([
          expect.stringMatching(/^URL must have no path, query or credentials where .* root of its host\.$/),
        ])
      }
      expect(su({ URL }).placement).toBeUndefined()
    },
  )

  it('may share a secret with the router', () => {
    expect(su({ ROUTER_SECRET: 'HUSHHUSHHUSHHUSH' }).serving.routerSecrets?.reveal()).toEqual(['HUSHHUSHHUSHHUSH'])
  })

  it('takes two secrets of a kind while one is changed', () => {
    const two = 'HUSHHUSHHUSHHUS1, HUSHHUSHHUSHHUS2'
    const { cdnSecrets, routerSecrets } = su({ CDN_SECRET: two, ROUTER_SECRET: two }).serving
    for (const secrets of [cdnSecrets, routerSecrets, routerOf({ ROUTER_SECRET: two }).passOn.secrets]) {
      expect(secrets?.reveal()).toEqual(['HUSHHUSHHUSHHUS1', 'HUSHHUSHHUSHHUS2'])
    }
  })

  it('says where a router is named and not asked', () => {
    const notices = (env: Environment) => su({ DATABASE_URL: 'postgres://u:p@h/d', ...env }).notices
    const ROUTER_URL = 'http://router.example'
    expect(notices({ ROUTER_URL })).toEqual([expect.stringMatching(/^ROUTER_URL has no effect: /)])
    expect(notices({ ROUTER_URL, ENABLE_ROUTER_CHECK: 'TRUE', URL: 'http://u.example' })).toEqual([])
    expect(notices({ ROUTER_URL, ...table })).toEqual([])
    expect(notices({ SCHEDULER_LIST: list, SCHEDULER_LIST_PATH: '/nowhere' })).toEqual([])
  })
})

describe('the configuration of the router', () => {
  it('needs a table and a list, no more', () => {
    const unit = { routed: true, wallets: new Set(), walletsOnly: false }
    const { notices, ...config } = routerOf()
    expect(config).toEqual({
      mode: 'router',
      logging: { level: 'info', metricsNamespace: 'SchedulerUnit' },
      placements: { table: 'p', homeRegion: undefined, ownRegion: undefined, endpoint: undefined },
      units: [
        { url: 'https://su1.example', ...unit },
        { url: 'https://su2.example', ...unit },
      ],
      passOn: { everything: false, secrets: undefined },
      signatures: { types: [1, 3] },
      access: { ipListUrl: undefined, processList: undefined },
      serving: {
        maxBodyBytes: 4_500_000,
        placementsRemembered: 20_000,
        metrics: true,
        aoCore: true,
        hyperbeamUrl: undefined,
        cdnSecrets: undefined,
      },
    })
    expect(notices).toEqual([expect.stringMatching(/^ROUTER_SECRET is not set: /)])
    expect(routerOf({ MODE: 'router' }).mode).toBe('router')
  })

  it('does as it is told', () => {
    const config = routerOf({
      PLACEMENTS_REGION: 'eu-west-1',
      AWS_REGION: 'us-east-1',
      PLACEMENTS_ENDPOINT: 'http://127.0.0.1:8000',
      PASS_ON: 'everything',
      ROUTER_SECRET: 'HUSHHUSHHUSHHUSH',
      EXTRA_SIGNATURE_TYPES: '2',
      IP_WHITELIST_URL: 'http://lists.example/ips',
      PROCESS_WHITELIST_URL: 'http://lists.example/processes',
      PROCESS_CACHE_SIZE: '7',
      MAX_BODY_BYTES: '1000',
      ENABLE_METRICS: 'false',
      CDN_SECRET: 'HUSHHUSHHUSHHUSH',
    })
    expect(config).toMatchObject({
      placements: { homeRegion: 'eu-west-1', ownRegion: 'us-east-1', endpoint: 'http://127.0.0.1:8000' },
      passOn: { everything: true },
      signatures: { types: [1, 3, 2] },
      access: { ipListUrl: 'http://lists.example/ips', processList: { url: 'http://lists.example/processes' } },
      serving: { maxBodyBytes: 1000, placementsRemembered: 7, metrics: false },
      notices: [],
    })
    expect(config.passOn.secrets?.reveal()).toEqual(['HUSHHUSHHUSHHUSH'])
    expect(inspect(config, { depth: 9, showHidden: true }) + JSON.stringify(config)).not.toContain('HUSH')
    expect(Object.isFrozen(config.units[0])).toBe(true)
  })

  it('reads all that the reference’s list has', () => {
    const SCHEDULER_LIST = JSON.stringify([
      { url: 'http://127.0.0.1:9001/', no_route: null, wallets_to_route: null, wallets_only: null },
      { url: 'HTTPS://SU2.Example:443', wallets_to_route: ` ${ADDRESS} ,`, wallets_only: true },
      { url: 'http://su3.example:80', wallets_to_route: `${ADDRESS}`, no_route: true },
      { url: 'http://[2001:DB8::1]:8080', wallets_to_route: '', no_route: false },
    ])
    expect(routerOf({ SCHEDULER_LIST }).units).toEqual([
      { url: 'http://127.0.0.1:9001', routed: true, wallets: new Set(), walletsOnly: false },
      { url: 'https://su2.example', routed: true, wallets: new Set([ADDRESS]), walletsOnly: true },
      { url: 'http://su3.example', routed: false, wallets: new Set([ADDRESS]), walletsOnly: false },
      { url: 'http://[2001:db8::1]:8080', routed: true, wallets: new Set(), walletsOnly: false },
    ])
  })

  it('has the list in a file, unless it is given itself', () => {
    const path = fileWith(list)
    expect(routerOf({ SCHEDULER_LIST: '', SCHEDULER_LIST_PATH: path }).units).toHaveLength(2)
    const both = routerOf({ SCHEDULER_LIST: '[{"url":"https://su9.example"}]', SCHEDULER_LIST_PATH: path })
    expect(both.units).toHaveLength(1)
    expect(both.notices).toContainEqual(expect.stringMatching(/^SCHEDULER_LIST_PATH has no effect: /))
    expect(problems(() => routerOf({ SCHEDULER_LIST: '', SCHEDULER_LIST_PATH: '/nowhere/list.json' }))).toEqual([
      expect.stringMatching(/^SCHEDULER_LIST_PATH .*cannot be read/),
    ])
    expect(problems(() => routerOf({ SCHEDULER_LIST: '', SCHEDULER_LIST_PATH: fileWith('HUSH') }))).toEqual([
      expect.stringMatching(/^The file that SCHEDULER_LIST_PATH names must be a JSON array/),
    ])
  })

  it('is told all at once where it is wrong', () => {
    expect(problems(() => parseRouterConfig({}))).toEqual([
      expect.stringMatching(/^PLACEMENTS_TABLE is missing: set it to/),
      expect.stringMatching(/^SCHEDULER_LIST is missing: set it to .* SCHEDULER_LIST_PATH to a file with it\.$/),
    ])
    expect(problems(() => parseRouterConfig({ ...router, MODE: 'su' }))).toEqual([
      expect.stringMatching(/^MODE must be router .*\.$/),
    ])
    const SCHEDULER_LIST = '[{"url":"ftp://HUSH"},{"url":"https://a.example"},{},{"url":"https://A.example/"}]'
    expect(problems(() => routerOf({ SCHEDULER_LIST }))).toEqual([
      expect.stringMatching(/^SCHEDULER_LIST has a mistake in entry 1: .*https:/),
      expect.stringMatching(/^SCHEDULER_LIST has a mistake in entry 3: .*must have url/),
      expect.stringMatching(/^SCHEDULER_LIST names a unit twice: entries 2 and 4 /),
    ])
  })

  it.each([
    ['HUSH', /JSON array/],
    ['{"url":"https://HUSH.example"}', /JSON array/],
    ['[', /JSON array/],
    ['[]', /no unit/],
    ['["https://HUSH.example"]', /entry 1.*must have url/],
    ['[{"url":7}]', /entry 1.*must have url/],
    ['[{"url":"https://a.example","noroute":true}]', /entry 1.*nothing else/],
    ['[{"url":"https://a.example","no_route":"true"}]', /entry 1.*true or false/],
    ['[{"url":"https://a.example","wallets_only":1}]', /entry 1.*true or false/],
    ['[{"url":"https://a.example","wallets_to_route":["a"]}]', /entry 1.*a text/],
    ['[{"url":"https://a.example","wallets_to_route":"HUSH"}]', /entry 1.*43/],
    [`[{"url":"https://a.example","wallets_to_route":"${ADDRESS};${ADDRESS}"}]`, /entry 1.*43/],
    ['[{"url":"HUSH.example"}]', /entry 1.*http/],
    ['[{"url":""}]', /entry 1.*http/],
    ['[{"url":"http://"}]', /entry 1.*http/],
    ['[{"url":"javascript:HUSH"}]', /entry 1.*http/],
    ['[{"url":"file:///HUSH"}]', /entry 1.*http/],
    ['[{"url":"https://a.example/HUSH"}]', /entry 1.*root/],
    ['[{"url":"https://a.example//"}]', /entry 1.*root/],
    ['[{"url":"https://a.example?HUSH"}]', /entry 1.*root/],
    ['[{"url":"https://a.example#"}]', /entry 1.*root/],
    ['[{"url":"https://HUSH@a.example"}]', /entry 1.*root/],
    ['[{"url":"https://u:HUSH@a.example/"}]', /entry 1.*root/],
    ['[{"url":"https://a.example"},{"url":"https://a.example"}]', /twice.*1 and 2/],
    ['[{"url":"https://a.example"},{"url":"https://a.example/"}]', /twice/],
    ['[{"url":"https://a.example"},{"url":"https://a.example:443"}]', /twice/],
    ['[{"url":"http://a.example:80/"},{"url":"http://A.EXAMPLE"}]', /twice/],
    ['[{"url":"https://b.example"},{"url":"https://router.example"}]', /entry 2.*router's own/],
    ['[{"url":"https://Router.example:443/"}]', /entry 1.*router's own/],
  ])('refuses the list %s', (SCHEDULER_LIST, sentence) => {
    for (const name of ['URL', 'ROUTER_URL']) {
      const found = problems(() => routerOf({ SCHEDULER_LIST, [name]: 'https://router.example/' }))
      expect(found).toEqual([expect.stringMatching(sentence)])
      expect(found[0]).toMatch(/\.$/)
      expect(found[0]).not.toContain('HUSH')
    }
  })

  it.each([
    ['PASS_ON', 'all', /assignments or everything/],
    ['ROUTER_SECRET', 'HUSH', /16/],
    ['PLACEMENTS_ENDPOINT', 'HUSH', /http/],
    ['EXTRA_SIGNATURE_TYPES', '9', /2 and 4/],
    ['MAX_BODY_BYTES', 'HUSH', /bytes/],
    ['PROCESS_WHITELIST_URL', 'HUSH', /http/],
  ])('refuses %s=%s', (name, value, sentence) => {
    const found = problems(() => routerOf({ [name]: value }))
    expect(found).toEqual([expect.stringMatching(sentence)])
    expect(found[0]).toMatch(new RegExp(`^${name} .*\\.$`))
    expect(found[0]).not.toContain('HUSH')
  })

  it('lets one wallet be pinned to two units', () => {
    const pinned = ['https://a.example', 'https://b.example'].map((url) => ({ url, wallets_to_route: ADDRESS }))
    expect(routerOf({ SCHEDULER_LIST: JSON.stringify(pinned) }).units).toHaveLength(2)
  })
})

describe('each function', () => {
  it('asks only for what it needs', () => {
    expect(problems(() => parseRelayConfig(relay))).toEqual([])
    expect(problems(() => routerOf())).toEqual([])
    expect(problems(() => parseMigPlacementsConfig(router))).toEqual([])
    expect(problems(() => parseMigConfig(mig))).toEqual([])
    const { UPLOAD_NODE_URL: _, ...packer } = relay
    expect(problems(() => parsePackerConfig(packer))).toEqual([])
    expect(problems(() => parseReconcilerConfig({ ...relay, GATEWAY_URL: 'http://g.example' }))).toEqual([])
    expect(problems(() => parseHeightConfig({ HEADS_TABLE: 'h', GATEWAY_URL: 'http://g.example' }))).toEqual([])
    expect(problems(() => parseHeightConfig({ HEADS_TABLE: 'h', ARWEAVE_URL: 'http://g.example' }))).toEqual([])
    expect(
      problems(() => su({ GATEWAY_URL: '', ARWEAVE_URL: 'http://a.example', GRAPHQL_URL: 'http://a.example' })),
    ).toEqual([])
  })

  it('does not fail for what concerns another one', () => {
    expect(problems(() => parseRelayConfig({ ...relay, RETRY_WINDOW: 'x', MODE: 'router', GATEWAY_URL: 'x' }))).toEqual(
      [],
    )
    expect(problems(() => su({ UPLOAD_NODE_URL: 'x', CACHE_URL: 'x', SCHEDULER_LIST: 'x', PASS_ON: 'x' }))).toEqual([])
    expect(problems(() => routerOf({ RETRY_WINDOW: 'x', GATEWAY_URL: 'x', ENABLE_ROUTER_CHECK: 'x' }))).toEqual([])
    expect(problems(() => parseMigPlacementsConfig({ ...router, MODE: 'x', PASS_ON: 'x' }))).toEqual([])
    expect(problems(() => parseMigConfig({ ...mig, MODE: 'x', RETRY_WINDOW: 'x', SU_WALLET: 'x' }))).toEqual([])
  })

  it('brings messages in from where it is told', () => {
    expect(parseMigConfig(mig)).toMatchObject({
      placement: undefined,
      migration: { url: undefined, base: undefined, batchSize: 1_000, processListUrl: undefined },
    })
    const { migration, placement } = parseMigConfig({
      ...mig,
      MIGRATION_SOURCE_URL: 'postgres://u:HUSH@h/d',
      MULTI_TENANT_BASE_CONN: 'postgres://u:HUSH@h',
      MIGRATION_BATCH_SIZE: '50',
      PROCESS_WHITELIST_URL: 'http://lists.example/processes',
      PLACEMENTS_TABLE: 'p',
      URL: 'https://su.example/',
    })
    expect(migration).toMatchObject({ batchSize: 50, processListUrl: 'http://lists.example/processes' })
    expect([migration.url?.reveal(), migration.base?.reveal()]).toEqual([
      'postgres://u:HUSH@h/d',
      'postgres://u:HUSH@h',
    ])
    expect(placement).toMatchObject({ kind: 'table', table: 'p', ownUrl: 'https://su.example' })
    expect(inspect(migration, { depth: 9 })).not.toContain('HUSH')
    const wrong = { MIGRATION_SOURCE_URL: 'mysql://HUSH@h', MIGRATION_BATCH_SIZE: '0' }
    const found = problems(() => parseMigConfig({ ...mig, ...wrong }))
    expect(found).toEqual([
      expect.stringMatching(/^MIGRATION_SOURCE_URL must be a connection string/),
      expect.stringMatching(/^MIGRATION_BATCH_SIZE must be a number of rows from 1 to 10000/),
    ])
    expect(found.join()).not.toContain('HUSH')
  })

  it('sends uploads where it is told', () => {
    expect(parseRelayConfig(relay).upload).toEqual({
      bundlerUrl: 'https://bundler.example',
      receipts: true,
      cacheUrl: 'https://cache.forward.computer',
    })
    expect(parseRelayConfig({ ...relay, CACHE_URL: 'none' }).upload.cacheUrl).toBeUndefined()
    expect(parseRelayConfig({ ...relay, CACHE_URL: 'http://c.example' }).upload.cacheUrl).toBe('http://c.example')
  })
})

describe('a wrong environment', () => {
  it('is told all at once: a sentence a variable that says what to do', () => {
    const sentences = problems(() => parseSuConfig({}))
    expect(sentences.map((sentence) => sentence.split(' ')[0])).toEqual([
      ...Object.keys(tables),
      'SUBMISSIONS_TABLE',
      'GATEWAY_URL',
      'SU_WALLET',
    ])
    for (const sentence of sentences) expect(sentence).toMatch(/ missing.*set (it|GATEWAY_URL) to .+\.$/)
    expect(problems(() => parseRelayConfig(tables))).toEqual([
      expect.stringMatching(/^UPLOAD_NODE_URL is missing: set it to/),
    ])
  })

  it.each([
    ['MODE', 'router', /^MODE must be su/],
    ['MODE', 'both', /^MODE must be su/],
    ['ENABLE_ROUTER_CHECK', 'yes', /true or false/],
    ['ENABLE_ROUTER_CHECK', 'true', /^URL is missing: where ENABLE_ROUTER_CHECK/],
    ['PLACEMENTS_TABLE', 'placements', /^URL is missing: where PLACEMENTS_TABLE/],
    ['PLACEMENTS_ENDPOINT', 'dynamodb', /http/],
    ['ROUTER_URL', 'router.example', /http/],
    ['ROUTER_SECRET', 'short', /^ROUTER_SECRET .*16/],
    ['LOG_LEVEL', 'loud', /one of trace/],
    ['ENABLE_METRICS', '1', /true or false/],
    ['ENABLE_DEEP_HASH_CHECKS', 'yes', /true or false/],
    ['RETRY_WINDOW', '-1', /seconds/],
    ['RETRY_WINDOW', '30m', /seconds/],
    ['RETRY_WINDOW', '99999999999', /seconds/],
    ['MAX_MESSAGE_SIZE_BYTES', '1e5', /bytes/],
    ['MAX_MESSAGE_SIZE_BYTES', '0', /bytes/],
    ['MAX_PAGE_BYTES', '99999999999999999999', /bytes/],
    ['DB_READ_CONNECTIONS', '0', /requests/],
    ['EXTRA_SIGNATURE_TYPES', '2,5', /2 and 4/],
    ['EXTRA_SIGNATURE_TYPES', 'ed25519', /2 and 4/],
    ['GATEWAY_URL', 'arweave.net', /http/],
    ['GRAPHQL_URL', 'ftp://arweave.net', /http/],
    ['ARWEAVE_URL_LIST', 'https://a.example,b', /http/],
    ['ARWEAVE_URL_LIST', ',', /http/],
    ['IP_WHITELIST_URL', '/etc/list', /http/],
    ['PROCESS_WHITELIST_URL', 'https://lists.example', /^URL is missing/],
    ['MAX_SIZE_OWNER_WHITELIST', '0xabc', /43/],
    ['MAX_SIZE_FROM_WHITELIST', `${ADDRESS};${ADDRESS}`, /43/],
    ['CDN_SECRET', 'short', /16/],
    ['CDN_SECRET', 'long enough to be one, short', /16/],
    ['CDN_SECRET', ',', /16/],
    ['CDN_SECRET', Array.from({ length: 3 }, () => 'x'.repeat(16)).join(), /two of them/],
    ['DATABASE_URL', 'mysql://u:HUSHHUSH@h/d', /postgresql/],
    ['DATABASE_READ_URL', 'HUSHHUSH', /postgresql/],
    ['SU_WALLET', 'HUSHHUSH', /JSON of an Arweave wallet/],
    ['SU_WALLET', '{"kty":"EC","d":"HUSHHUSH"}', /JSON of an Arweave wallet/],
    ['SU_WALLET', '{"kty":"RSA","n":"PUBLIC"}', /JSON of an Arweave wallet/],
  ])('%s=%s', (name, value, sentence) => {
    const found = problems(() => su({ [name]: value }))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(sentence)
    expect(found[0]).toMatch(/\.$/)
    expect(found[0]).not.toContain('HUSH')
  })
})

describe('the wallet', () => {
  const fromFile = (path: string) => () => su({ SU_WALLET: '', SU_WALLET_PATH: path })

  it('is the secret or a file, the secret first', () => {
    expect(su().wallet.reveal()).toMatchObject({ n: 'PUBLIC', d: 'HUSHHUSH', e: 'AQAB' })
    const path = fileWith(JWK.replace('PUBLIC', 'FROM-FILE'))
    expect(fromFile(path)().wallet.reveal()).toMatchObject({ n: 'FROM-FILE' })
    const both = su({ SU_WALLET_PATH: path })
    expect(both.wallet.reveal()).toMatchObject({ n: 'PUBLIC' })
    expect(both.notices).toContainEqual(expect.stringMatching(/^SU_WALLET_PATH has no effect/))
  })

  it('that cannot be had is a sentence without its content', () => {
    expect(problems(fromFile('/nowhere/wallet.json'))).toEqual([
      expect.stringMatching(/^SU_WALLET_PATH .*cannot be read/),
    ])
    const found = problems(fromFile(fileWith('{"kty":"RSA","d":"HUSHHUSH"')))
    expect(found).toEqual([expect.stringContaining('SU_WALLET_PATH')])
    expect(found[0]).not.toContain('HUSH')
  })

  it('and other secrets do not show when a configuration is printed', () => {
    const config = su({ DATABASE_URL: 'postgres://u:HUSHHUSH@h/d', CDN_SECRET: 'HUSHHUSHHUSHHUSH' })
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), `${config.wallet}`]) {
      expect(text).not.toContain('HUSH')
    }
    expect(config.serving.cdnSecrets).toBeInstanceOf(Secret)
  })
})

describe('variables of the reference', () => {
  it('that have no effect do no harm, and a sentence says so', () => {
    expect(su({ DATABASE_URL: 'postgres://u:p@h/d' }).notices).toEqual([])
    for (const name of replacedVariables) {
      const { notices } = su({ DATABASE_URL: 'postgres://u:p@h/d', [name]: 'HUSH' })
      expect(notices).toEqual([expect.stringMatching(new RegExp(`^${name} has no effect: .+\\.$`))])
      expect(notices.join()).not.toContain('HUSH')
      expect(routerOf({ ROUTER_SECRET: 'HUSHHUSHHUSHHUSH', [name]: 'HUSH' }).notices).toEqual(notices)
    }
  })

  it('that are missing are said to be missing where it matters', () => {
    expect(su().notices).toEqual([expect.stringMatching(/^DATABASE_URL is not set/)])
  })
})

describe('the documentation', () => {
  const ofUnits = [
    access,
    gateway,
    logging,
    migration,
    submissions,
    modeOf('su'),
    ownPlacement,
    postgres,
    rules,
    serving,
    store,
    upload,
    wallet,
  ]
  const ofRouters = [passOn, placements, routerAccess, routerServing, signatures, units]
  const groups = [...ofUnits, ...ofRouters]
  const read = [...groups.flatMap((group) => Object.keys(group.entries)), ...replacedVariables]
  const local = [...ownVariables, ...kept]
  const documented = readFileSync('docs/configuration.md', 'utf8')
  const example = readFileSync('.env.example', 'utf8')

  it('names every variable that is read', () => {
    expect([...read, ...local].filter((name) => !documented.includes(`\`${name}\``))).toEqual([])
  })

  it('names no variable that nobody reads', () => {
    const rows = [...documented.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[A-Z][A-Z\d_]+/g) ?? [],
    )
    expect(rows.filter((name) => ![...read, ...local].includes(name))).toEqual([])
  })

  it('has an example of each, and none of them set', () => {
    const shown = [...example.matchAll(/^# ([A-Z][A-Z\d_]+)=/gm)].map(([, name]) => name)
    expect([...read, ...local].filter((name) => !shown.includes(name))).toEqual([])
    expect(example.match(/^[^#\n]/gm)).toBeNull()
  })
})
