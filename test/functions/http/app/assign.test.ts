/** `POST /?process-id=&assign=`: its parameters as clients send them. */
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../../core/ans104/data-item.ts'
import { readAssignment } from '../../../../core/protocol/assignment.ts'
import { A, B, idFrom, recorded, recordedItem, recordedRaw } from '../../../core/schedule/items.ts'
import { slowly } from '../../../core/schedule/scheduling.ts'
import type { Unit } from '../../../fakes/unit.ts'
import { expectError, filledApp, jsonOf, post } from './asking.ts'

const { ao, base, fresh } = recorded.txs

const lastAssignment = async ({ store }: Unit, process: string) => {
  const head = await store.head(process)
  const [record] = await store.records(process, (head?.next ?? 0) - 1, (head?.next ?? 0) - 1)
  const item = parseDataItem(record?.assignment ?? Buffer.alloc(0))
  return { id: item.id, ...readAssignment(item.tags) }
}

describe('an assign', () => {
  it('is answered with the assignment’s id and the time now, a number', async () => {
    const { app, unit } = await filledApp()
    const response = await post(app, undefined, `/?process-id=${A}&assign=${base.id}&base-layer`)
    expect(response.status).toBe(200)
    const { id, message, nonce } = await lastAssignment(unit, A)
    expect(Object.entries(await jsonOf(response))).toEqual([
      ['id', id],
      ['timestamp', unit.clock.now()],
    ])
    expect({ message, nonce }).toEqual({ message: base.id, nonce: 4 })
  })

  it.each(['&base-layer', '&base-layer=', '&base-layer=false', '&base-layer=1'])(
    'is of the base layer whatever the parameter’s value: %s',
    async (layer) => {
      const { app, unit } = await filledApp()
      unit.calls.length = 0
      await jsonOf(post(app, undefined, `/?assign=${base.id}${layer}&process-id=${A}`))
      expect(unit.calls).toContain('gateway.confirmations')
      expect(unit.calls).not.toContain('gateway.transaction')
    },
  )

  it('takes no account of a body, whatever that is', async () => {
    const { app, unit } = await filledApp({ parts: { maxBodyBytes: 3000 } })
    for (const [index, body] of [recordedRaw('msgUserTwice1'), Buffer.alloc(10_000)].entries()) {
      const path = `/?process-id=${index === 0 ? A : B}&assign=${ao.id}`
      expect((await post(app, body, path, { 'content-encoding': 'nonsense' })).status).toBe(200)
    }
    expect(await unit.store.find(recordedItem('msgUserTwice1').id)).toEqual([])
  })

  it('needs both its parameters', async () => {
    const { app } = await filledApp()
    await expectError(post(app, undefined, `/?assign=${base.id}`), 400, 'invalid-request')
    await expectError(post(app, recordedRaw('msg1'), `/?assign=${base.id}`), 400, 'invalid-request')
    await expectError(post(app, undefined, `/?process-id=${A}`), 400, 'invalid-item')
    await expectError(post(app, undefined, `/?process-id=${A}&assign=`), 400, 'invalid-request')
    await expectError(post(app, undefined, `/?process-id=&assign=${base.id}`), 400, 'not-found')
  })

  it('of what is wrong says what', async () => {
    const { app, unit } = await filledApp()
    const path = (transaction: string, rest = '', process = A) => `/?process-id=${process}&assign=${transaction}${rest}`
    await expectError(post(app, undefined, path('short')), 400, 'invalid-request')
    await expectError(post(app, undefined, path('%00'.repeat(43))), 400, 'invalid-request')
    await expectError(post(app, undefined, path('%E0%A4%A')), 400, 'invalid-request')
    await expectError(post(app, undefined, path(recorded.missing)), 400, 'not-found')
    await expectError(post(app, undefined, path(base.id, '', idFrom('nobody'))), 400, 'not-found')
    await expectError(post(app, undefined, path(fresh.id, '&base-layer')), 400, 'invalid-message')
    await expectError(post(app, undefined, path(base.id, '&base-layer&exclude=Data')), 400, 'invalid-request')
    await unit.store.setState(A, 'open', 'frozen')
    await expectError(slowly(unit, post(app, undefined, path(base.id, '&base-layer'))), 503, 'frozen')
  })

  it('excludes what the query says, unescaped', async () => {
    const { app, unit } = await filledApp()
    await jsonOf(post(app, undefined, `/?process-id=${A}&assign=${base.id}&base-layer&exclude=Data%2C+Tags,%C5%BC`))
    expect((await lastAssignment(unit, A)).exclude).toEqual(['Data', ' Tags', 'ż'])
  })

  it('takes the first of several values', async () => {
    const { app, unit } = await filledApp()
    const path = `/?process-id=${A}&process-id=${B}&assign=${base.id}&assign=${ao.id}&base-layer&exclude=a,b&exclude=c,d`
    await jsonOf(post(app, undefined, path))
    expect(await lastAssignment(unit, A)).toMatchObject({ message: base.id, exclude: ['a', 'b'] })
  })

  it('names nothing in the log that is no id', async () => {
    const { app, lines } = await filledApp()
    await post(app, undefined, `/?process-id=private-words&assign=${base.id}`)
    await post(app, undefined, `/?process-id=${A}&assign=private-words`)
    expect(JSON.stringify(lines)).not.toContain('private-words')
    expect(lines.at(-1)).toMatchObject({ process: A, status: 400, code: 'invalid-request' })
  })
})
