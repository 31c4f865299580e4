/** AO-Core paths in all their forms: which route, which process, which parameters. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aoCoreRoutes, processNamed, readAoCorePath } from '../../../functions/http/ao-core-path.ts'
import { A, B } from '../../core/schedule/items.ts'

const read = (path: string) => readAoCorePath(`http://su.example${path}`)

describe('an AO-Core path', () => {
  it.each([
    [`/~scheduler@1.0/schedule?target=${A}`, 'schedule'],
    [`/${A}~process@1.0/schedule`, 'schedule'],
    [`/${A}~scheduler@1.0/schedule`, 'schedule'],
    [`/${A}/~scheduler@1.0/schedule`, 'schedule'],
    [`/${A}/~process@1.0/schedule`, 'schedule'],
    [`/${A}/schedule`, 'schedule'],
    [`/${A}%7Eprocess@1.0/schedule`, 'schedule'],
    [`/%7Escheduler%401.0/schedule&target=${A}`, 'schedule'],
    [`/~scheduler@1.0/schedule&target=${A}&to+integer=3`, 'schedule'],
    [`/${A}/schedule/~json@1.0/serialize`, 'schedule'],
    [`/${A}/schedule/serialize~json@1.0`, 'schedule'],
    [`/${A}/slot`, 'slot'],
    [`/${A}/slot/current`, 'currentSlot'],
    [`/~scheduler@1.0/slot/current?target=${A}`, 'currentSlot'],
    [`/${A}/~scheduler@1.0/slot&a=b`, 'slot'],
    ['/~scheduler@1.0/status', 'status'],
    ['/~scheduler@1.0/location', 'location'],
    [`/~location@1.0/${A}`, 'location'],
    ['/push', 'elsewhere'],
    [`/${A}/push`, 'elsewhere'],
    [`/${A}~process@1.0/push`, 'elsewhere'],
    [`/${A}~process@1.0/compute/results=7`, 'elsewhere'],
    [`/${A}~process@1.0/as=execution/compute&k=v`, 'elsewhere'],
    [`/${A}/compute/results=7`, 'elsewhere'],
    [`/${A}/now`, 'elsewhere'],
    ['/~meta@1.0/info/address', 'elsewhere'],
    ['/~process@1.0/init', 'elsewhere'],
    ['/~scheduler@1.0/checkpoint', 'elsewhere'],
    ['/~location@1.0/known', 'elsewhere'],
  ] as const)('%s asks for %s', (path, route) => {
    expect(read(path)?.route).toBe(aoCoreRoutes[route])
  })

  it.each([
    '/',
    '/timestamp',
    '/health',
    `/${A}`,
    `/${A}?process-id=${A}&from=1&to=2&limit=3`,
    `/${A}/latest`,
    `/processes/${A}`,
    `/processes/schedule`,
    '/7?process-id=x',
    '/slot/current',
    `/${A}/schedule/assignments`,
    '/%E0%A4%A~',
    `/${A}?x=/schedule`,
  ])('%s is not one', (path) => {
    expect(read(path)).toBeUndefined()
  })

  it('takes the last parameter of a name that is not empty, from the path and the query', () => {
    const params = read(`/${A}/schedule&from=1&limit=5?from=&from+Integer=7&to+integer=9&limit=`)?.params
    expect(Object.fromEntries(params ?? [])).toEqual({ from: '7', to: '9', limit: '5' })
  })

  it('names one process', () => {
    const processOf = (path: string) => {
      const found = read(path)
      return found && processNamed(found)
    }
    expect(processOf(`/${A}/schedule`)).toBe(A)
    expect(processOf(`/~scheduler@1.0/schedule?target=${A}`)).toBe(A)
    expect(processOf(`/${A}/schedule?target=${A}`)).toBe(A)
    expect(processOf('/~scheduler@1.0/schedule')).toBeUndefined()
    expect(() => processOf(`/${A}/schedule?target=${B}`)).toThrow('two processes')
    expect(() => processOf('/~scheduler@1.0/schedule?target=me')).toThrow('43 characters')
  })

  it('is read from any text without failing', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        readAoCorePath(new URL(`/${A}/schedule${text}`, 'http://su.example').href)
      }),
    )
  })
})
