/** Processes: how they begin, again and again, and with which assignment. */
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { tagValue } from '../../../core/ans104/tags.ts'
import { readAssignment } from '../../../core/protocol/assignment.ts'
import { createUnit } from '../../fakes/unit.ts'
import { idFrom, recordedRaw, signedMessage, signedProcess } from './items.ts'
import { codeOf, idsOf, passTime, post, recordsOf, refusalOf } from './scheduling.ts'

describe('a process', () => {
  it('gets the first assignment of its own schedule, which names no message', async () => {
    const unit = createUnit()
    const item = await signedProcess({ data: 'print(1)' })
    expect(await post(unit, item)).toEqual({ id: item.id, timestamp: unit.clock.now() })
    const [record] = await recordsOf(unit, item.id)
    expect(record).toMatchObject({ kind: 'process', id: item.id, nonce: 0, blockHeight: 1_800_000 })
    const { tags } = parseDataItem(record?.assignment ?? Buffer.alloc(0))
    expect(readAssignment(tags)).toMatchObject({ process: item.id, nonce: 0, epoch: 0, blockHeight: 1_800_000 })
    expect(tagValue(tags, 'Message')).toBeUndefined()
  })

  it('gets none with process assignment off, and its first message nonce 0', async () => {
    const unit = createUnit({ rules: { processAssignment: false } })
    const item = await signedProcess()
    await post(unit, item)
    expect(await unit.store.head(item.id)).toMatchObject({ next: 0, firstNonce: -1, blockHeight: 1_800_000 })
    const message = await signedMessage({ target: item.id })
    await post(unit, message)
    expect(await idsOf(unit, item.id)).toEqual([message.id])
  })

  it('that is spawned again stays as it is, whatever happened meanwhile', async () => {
    const unit = createUnit()
    const item = await signedProcess()
    const first = await post(unit, item)
    expect(await post(unit, item)).toEqual(first)
    await post(unit, await signedMessage({ target: item.id }))
    const before = await unit.store.head(item.id)
    await passTime(unit, 3_600_000)
    expect(await post(unit, item)).toEqual({ id: item.id, timestamp: unit.clock.now() })
    expect(await post(unit.another({ retryWindowMs: 0 }), item)).toMatchObject({ id: item.id })
    expect(await unit.store.head(item.id)).toEqual(before)
    expect(await recordsOf(unit, item.id)).toHaveLength(2)
  })

  it('that is spawned by many at once begins once', async () => {
    const unit = createUnit()
    const instances = [unit, unit.another(), unit.another(), unit.another()]
    const item = await signedProcess()
    const receipts = await Promise.all(instances.flatMap((one) => [post(one, item), post(one, item)]))
    expect(new Set(receipts.map(({ id }) => id))).toEqual(new Set([item.id]))
    expect(await recordsOf(unit, item.id)).toHaveLength(1)
  })

  it('that is spawned again asks neither gateway nor blob store', async () => {
    const unit = createUnit({ rules: { inlineBytes: 10 } })
    const item = await signedProcess({ tags: { 'On-Boot': idFrom('boot') } })
    unit.gateway.hold({
      id: idFrom('boot'),
      tags: [],
      recipient: Buffer.alloc(0),
      anchor: Buffer.alloc(0),
      data: Buffer.alloc(0),
    })
    await post(unit, item)
    unit.calls.length = 0
    await post(unit, item)
    expect(unit.calls).toEqual(['store.head'])
  })

  it('keeps its settlement depth, or 20 where its tag is no 32-bit integer', async () => {
    const depths: [string | string[] | undefined, number][] = [
      [undefined, 20],
      ['5', 5],
      ['0', 0],
      ['007', 7],
      ['2147483647', 2_147_483_647],
      ['2147483648', 20],
      ['99999999999999999999', 20],
      ['', 20],
      ['soon', 20],
      ['5.0', 20],
      ['1e3', 20],
      [' 5', 20],
      ['0x10', 20],
      [['3', '9'], 3],
    ]
    const unit = createUnit()
    for (const [depth, expected] of depths) {
      const item = await signedProcess({ tags: depth === undefined ? {} : { 'Settlement-Depth': depth } })
      await post(unit, item)
      expect(await unit.store.head(item.id), String(depth)).toMatchObject({ settlementDepth: expected })
    }
  })
})

describe('On-Boot', () => {
  const boot = idFrom('boot')
  const held = { id: boot, tags: [], recipient: Buffer.alloc(0), anchor: Buffer.alloc(0), data: Buffer.from('boot') }

  it('may name the process’s own data, or a transaction that a gateway has', async () => {
    const unit = createUnit()
    unit.gateway.hold(held)
    for (const value of ['Data', boot]) {
      expect(await codeOf(post(unit, await signedProcess({ tags: { 'On-Boot': value } })))).toBe('taken')
    }
  })

  it('may not name one that none has', async () => {
    const unit = createUnit()
    const item = await signedProcess({ tags: { 'On-Boot': boot } })
    expect(await codeOf(post(unit, item))).toBe('invalid-message')
    unit.gateway.hold(held)
    expect(await codeOf(post(unit, item))).toBe('taken')
  })

  it.each(['', 'data', 'short', `${boot}x`, '../tx/x', `${boot.slice(0, 42)}=`, `${'A'.repeat(42)}B`])(
    'that is no id is refused without asking anybody: "%s"',
    async (value) => {
      const unit = createUnit()
      expect(await codeOf(post(unit, await signedProcess({ tags: { 'On-Boot': value } })))).toBe('invalid-message')
      expect(unit.calls).toEqual([])
    },
  )

  it('counts with process assignment on only, and as the first of several', async () => {
    const off = createUnit({ rules: { processAssignment: false } })
    for (const value of [boot, 'nonsense']) {
      expect(await codeOf(post(off, await signedProcess({ tags: { 'On-Boot': value } })))).toBe('taken')
    }
    expect(off.calls).not.toContain('gateway.exists')
    const unit = createUnit()
    expect(await codeOf(post(unit, await signedProcess({ tags: { 'On-Boot': ['Data', boot] } })))).toBe('taken')
    expect(await codeOf(post(unit, await signedProcess({ tags: { 'On-Boot': [boot, 'Data'] } })))).toBe(
      'invalid-message',
    )
    expect(await codeOf(post(unit, await signedProcess({ tags: { 'on-boot': boot } })))).toBe('taken')
  })

  it('is nobody’s fault but the gateway’s where the gateway is down', async () => {
    const unit = createUnit()
    unit.gateway.hold(held)
    unit.gateway.faults = {
      before: ({ name }) => {
        if (name === 'exists') throw new Error('down')
      },
    }
    const item = await signedProcess({ tags: { 'On-Boot': boot } })
    expect(await refusalOf(post(unit, item))).toMatchObject({ code: 'unavailable' })
    expect(await unit.store.head(item.id)).toBeUndefined()
  })
})

describe('a second spawn', () => {
  it.each([
    ['frozen', 'frozen'],
    ['incomplete', 'incomplete'],
  ] as const)(
    'of a process that is %s is refused, by an instance that remembers it otherwise too',
    async (state, code) => {
      const unit = createUnit()
      await post(unit, recordedRaw('procA'))
      const { id } = parseDataItem(recordedRaw('procA'))
      await unit.store.setState(id, 'open', state)
      for (const one of [unit, unit.another()]) {
        const refusal = await refusalOf(post(one, recordedRaw('procA')))
        expect(refusal).toMatchObject({ code, details: { retryAfter: 60 } })
      }
      await unit.store.setState(id, state, 'open')
      expect(await codeOf(post(unit, recordedRaw('procA')))).toBe('taken')
    },
  )
})
