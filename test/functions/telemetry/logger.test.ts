import { describe, expect, it } from 'vitest'
import { Secret } from '../../../functions/config/secret.ts'
import { createLogger } from '../../../functions/telemetry/logger.ts'

function lineOf(log: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const lines: string[] = []
  log(createLogger({ level }, { function: 'relay' }, { write: (line) => lines.push(line) }))
  return lines
}

describe('the log', () => {
  it('is one line of JSON an event, from the level on', () => {
    const lines = lineOf((logger) => {
      logger.debug('not this')
      logger.info({ nonce: 5 }, 'two\nlines')
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]?.split('\n')).toHaveLength(2)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      function: 'relay',
      nonce: 5,
      message: 'two\nlines',
    })
    expect(lineOf((logger) => logger.error('x'), 'silent')).toEqual([])
  })

  it('shows no secret, even where somebody logs too much', () => {
    const jwk = { kty: 'RSA', d: 'HUSH' }
    const [line] = lineOf((logger) =>
      logger.info(
        {
          wallet: jwk,
          config: { wallet: new Secret(jwk), jwk },
          deep: { er: { password: 'HUSH' } },
          key: { d: 'HUSH' },
        },
        'x',
      ),
    )
    expect(line).not.toContain('HUSH')
  })

  it('shows of an error what helps, not what hangs on it', () => {
    const cause = Object.assign(new Error('connect to postgresql://su:HUSH@db.example/su failed'), {
      code: 'ECONNREFUSED',
      params: ['BODY'],
      config: { password: 'HUSH' },
    })
    const error = Object.assign(new Error(`Failed query: insert ${'x'.repeat(600)}BODY`, { cause }), { query: 'BODY' })
    const [line = ''] = lineOf((logger) => logger.error({ err: error }, 'x'))
    expect(line).not.toMatch(/HUSH|BODY/)
    expect(JSON.parse(line).err).toMatchObject({
      type: 'Error',
      message: expect.stringMatching(/^Failed query/),
      stack: expect.stringMatching(/^\s+at /),
      cause: { code: 'ECONNREFUSED', message: expect.stringContaining('db.example') },
    })
  })

  it('survives causes that go in a circle, and what is no error', () => {
    const circle = new Error('round')
    circle.cause = circle
    expect(lineOf((logger) => logger.error({ err: circle }, 'x'))).toHaveLength(1)
    expect(lineOf((logger) => logger.error({ err: 'a text' }, 'x'))[0]).toContain('a text')
    expect(lineOf((logger) => logger.error({ err: undefined }, 'x'))).toHaveLength(1)
  })
})
