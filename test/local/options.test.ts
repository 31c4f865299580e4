/** What the stack reads from the environment, and what the functions get of it. */
import { describe, expect, test } from 'vitest'
import { environmentOf, needsStandIn } from '../../local/environment.ts'
import { createLogFormat } from '../../local/log.ts'
import { parseOptions } from '../../local/options.ts'

describe('options', () => {
  test('defaults', () => {
    expect(parseOptions({})).toMatchObject({
      port: 9000,
      instances: 4,
      concurrency: 1,
      fresh: false,
      watch: false,
      ports: {},
      variables: {},
    })
  })

  test('what makes no sense is a sentence', () => {
    expect(() => parseOptions({ PORT: 'abc' })).toThrow('PORT must be a whole number from 0 to 65535.')
    expect(() => parseOptions({ INSTANCES: '0' })).toThrow('INSTANCES must be a whole number from 1 to 1000.')
    expect(() => parseOptions({}, ['--frsh'])).toThrow('--frsh is not known')
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
