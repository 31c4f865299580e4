import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { access } from '../../functions/config/access.ts'
import {
  parseHeightConfig,
  parseRelayConfig,
  parseSuConfig,
  parseSweeperConfig,
} from '../../functions/config/functions.ts'
import { gateway } from '../../functions/config/gateway.ts'
import { logging } from '../../functions/config/logging.ts'
import { mode } from '../../functions/config/mode.ts'
import { replacedVariables } from '../../functions/config/notices.ts'
import { ConfigurationError, type Environment } from '../../functions/config/parse.ts'
import { postgres } from '../../functions/config/postgres.ts'
import { rules } from '../../functions/config/rules.ts'
import { Secret } from '../../functions/config/secret.ts'
import { serving } from '../../functions/config/serving.ts'
import { store } from '../../functions/config/store.ts'
import { upload } from '../../functions/config/upload.ts'
import { wallet } from '../../functions/config/wallet.ts'
import { kept, ownVariables } from '../../local/options.ts'

const JWK = '{"kty":"RSA","e":"AQAB","n":"PUBLIC","d":"HUSHHUSH"}'
const ADDRESS = 'Y4KzzIgUErd7_K7tAmABwA2eMCXmbCD25-kvB5hRRig'

const tables = { HEADS_TABLE: 'h', RECORDS_TABLE: 'r', IDS_TABLE: 'i', BUCKET: 'b' }
const minimal = { ...tables, GATEWAY_URL: 'https://gateway.example', SU_WALLET: JWK }
const relay = { ...tables, UPLOAD_NODE_URL: 'https://bundler.example' }

const su = (env: Environment = {}) => parseSuConfig({ ...minimal, ...env })

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
      serving: {
        maxBodyBytes: 4_500_000,
        maxPageBytes: 5_000_000,
        headsRemembered: 20_000,
        metrics: true,
        cdnSecret: undefined,
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

describe('each function', () => {
  it('asks only for what it needs', () => {
    expect(problems(() => parseRelayConfig(relay))).toEqual([])
    expect(problems(() => parseSweeperConfig({ HEADS_TABLE: 'h' }))).toEqual([])
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
    expect(problems(() => su({ UPLOAD_NODE_URL: 'x', CACHE_URL: 'x' }))).toEqual([])
  })

  it('sends uploads where it is told', () => {
    expect(parseRelayConfig(relay).upload).toEqual({
      bundlerUrl: 'https://bundler.example',
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
      'GATEWAY_URL',
      'SU_WALLET',
    ])
    for (const sentence of sentences) expect(sentence).toMatch(/ missing.*set (it|GATEWAY_URL) to .+\.$/)
    expect(problems(() => parseRelayConfig(tables))).toEqual([
      expect.stringMatching(/^UPLOAD_NODE_URL is missing: set it to/),
    ])
  })

  it.each([
    ['MODE', 'router', /router/],
    ['MODE', 'both', /su/],
    ['ENABLE_ROUTER_CHECK', 'true', /false/],
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
  const walletFile = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'wallet-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'wallet.json'), text)
    return join(folder, 'wallet.json')
  }
  const fromFile = (path: string) => () => su({ SU_WALLET: '', SU_WALLET_PATH: path })

  it('is the secret or a file, the secret first', () => {
    expect(su().wallet.reveal()).toMatchObject({ n: 'PUBLIC', d: 'HUSHHUSH', e: 'AQAB' })
    const path = walletFile(JWK.replace('PUBLIC', 'FROM-FILE'))
    expect(fromFile(path)().wallet.reveal()).toMatchObject({ n: 'FROM-FILE' })
    const both = su({ SU_WALLET_PATH: path })
    expect(both.wallet.reveal()).toMatchObject({ n: 'PUBLIC' })
    expect(both.notices).toContainEqual(expect.stringMatching(/^SU_WALLET_PATH has no effect/))
  })

  it('that cannot be had is a sentence without its content', () => {
    expect(problems(fromFile('/nowhere/wallet.json'))).toEqual([
      expect.stringMatching(/^SU_WALLET_PATH .*cannot be read/),
    ])
    const found = problems(fromFile(walletFile('{"kty":"RSA","d":"HUSHHUSH"')))
    expect(found).toEqual([expect.stringContaining('SU_WALLET_PATH')])
    expect(found[0]).not.toContain('HUSH')
  })

  it('and other secrets do not show when a configuration is printed', () => {
    const config = su({ DATABASE_URL: 'postgres://u:HUSHHUSH@h/d', CDN_SECRET: 'HUSHHUSHHUSHHUSH' })
    for (const text of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), `${config.wallet}`]) {
      expect(text).not.toContain('HUSH')
    }
    expect(config.serving.cdnSecret).toBeInstanceOf(Secret)
  })
})

describe('variables of the reference', () => {
  it('that have no effect do no harm, and a sentence says so', () => {
    expect(su({ DATABASE_URL: 'postgres://u:p@h/d' }).notices).toEqual([])
    for (const name of replacedVariables) {
      const { notices } = su({ DATABASE_URL: 'postgres://u:p@h/d', [name]: 'HUSH' })
      expect(notices).toEqual([expect.stringMatching(new RegExp(`^${name} has no effect: .+\\.$`))])
      expect(notices.join()).not.toContain('HUSH')
    }
  })

  it('that are missing are said to be missing where it matters', () => {
    expect(su().notices).toEqual([expect.stringMatching(/^DATABASE_URL is not set/)])
  })
})

describe('the documentation', () => {
  const groups = [access, gateway, logging, mode, postgres, rules, serving, store, upload, wallet]
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
