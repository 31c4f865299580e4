/** Assigning a transaction to a process: who may, how often, how deep it must be settled, and what is excluded. */
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { readAssignment } from '../../../core/protocol/assignment.ts'
import type { HeldTransaction } from '../../fakes/gateway.ts'
import { recordedTransactions } from '../../fakes/recorded-transactions.ts'
import type { Unit, UnitOptions } from '../../fakes/unit.ts'
import { A, B, bob, idFrom, recorded, recordedItem, recordedRaw, signedMessage, signedProcess } from './items.ts'
import { assign, codeOf, idsOf, passTime, post, recordsOf, refusalOf, slowly, unitWithProcesses } from './scheduling.ts'

const { ao, aoSame, base, base2, fresh } = recorded.txs

async function unitWithTransactions(options?: UnitOptions): Promise<Unit> {
  const unit = await unitWithProcesses(options)
  for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
  return unit
}

/** The transaction that a posted item is once it is on Arweave. */
const uploaded = ({ raw, id }: { raw: Buffer; id: string }): HeldTransaction => {
  const { tags, target, anchor, data } = parseDataItem(raw)
  return { id, tags: [...tags], recipient: target, anchor, data }
}

const assignmentOf = async (unit: Unit, process: string, nonce: number) => {
  const [record] = await unit.store.records(process, nonce, nonce)
  const item = parseDataItem(record?.assignment ?? Buffer.alloc(0))
  return { item, fields: readAssignment(item.tags), record }
}

const down = (unit: Unit) => {
  unit.gateway.faults = {
    before: () => {
      throw new Error('down')
    },
  }
}

describe('a transaction', () => {
  it('gets an assignment of its own, which is the answer, and no message', async () => {
    const unit = await unitWithTransactions()
    const { id, timestamp } = await assign(unit, ao.id, { process: B })
    expect(timestamp).toBe(unit.clock.now())
    const { item, fields, record } = await assignmentOf(unit, B, 1)
    expect(item.id).toBe(id)
    expect(fields).toMatchObject({ process: B, nonce: 1, message: ao.id, exclude: [] })
    expect(record).toMatchObject({ kind: 'transaction', id: ao.id })
    expect(record?.item).toBeUndefined()
  })

  it.each([
    ['of 42 characters', 'A'.repeat(42)],
    ['of 44 characters', 'A'.repeat(44)],
    ['that is empty', ''],
    ['with a slash', `${'A'.repeat(42)}/`],
    ['that is no canonical base64url', `${'A'.repeat(42)}B`],
    ['with a line behind it', `${'A'.repeat(43)}\n`],
  ])('%s is refused without asking anybody', async (_, id) => {
    const unit = await unitWithTransactions()
    unit.calls.length = 0
    for (const baseLayer of [true, false]) expect(await codeOf(assign(unit, id, { baseLayer }))).toBe('invalid-request')
    expect(unit.calls).toEqual([])
  })

  it('is refused where the process is unknown, before the gateway is asked', async () => {
    const unit = await unitWithTransactions()
    unit.calls.length = 0
    for (const process of [idFrom('nobody'), recorded.items.msg1.id, 'short', '']) {
      expect(await codeOf(assign(unit, ao.id, { process }))).toBe('not-found')
    }
    expect(unit.calls.filter((call) => /^gateway\.(?!height)/.test(call))).toEqual([])
  })

  it('is refused where the gateway does not know it', async () => {
    const unit = await unitWithTransactions()
    for (const baseLayer of [true, false]) {
      expect(await refusalOf(assign(unit, recorded.missing, { baseLayer }))).toMatchObject({
        code: 'not-found',
        message: 'Transaction not found',
      })
    }
    // Known, but in no block.
    expect(await codeOf(assign(unit, ao.id, { baseLayer: true }))).toBe('not-found')
  })

  it('that is an item of this log is waited for until a gateway has it', async () => {
    const unit = await unitWithTransactions()
    const message = await signedMessage({ data: 'scheduled a moment ago' })
    await post(unit, message.raw)
    expect(await refusalOf(assign(unit, message.id, { process: B }))).toMatchObject({
      code: 'unavailable',
      details: { retryAfter: 10 },
    })
    unit.gateway.hold(uploaded(message))
    expect(await codeOf(assign(unit, message.id, { process: B }))).toBe('taken')
  })

  it('with more data than is hashed here is refused', async () => {
    const unit = await unitWithTransactions()
    unit.gateway.maxDataBytes = 5
    expect(await codeOf(assign(unit, ao.id))).toBe('message-too-large')
    expect(await codeOf(assign(unit, base.id, { baseLayer: true }))).toBe('taken')
  })

  it.each(['frozen', 'incomplete'] as const)('is not assigned to a process that is %s', async (state) => {
    const unit = await unitWithTransactions()
    await unit.store.setState(A, 'open', state)
    for (const one of [unit, unit.another()]) {
      for (const baseLayer of [true, false])
        expect(await codeOf(slowly(one, assign(one, baseLayer ? base.id : ao.id, { baseLayer })))).toBe(state)
    }
    await unit.store.setState(A, state, 'open')
    expect(await idsOf(unit)).toEqual([A])
  })
})

describe('settlement', () => {
  const depthOf = async (unit: Unit, tag: Record<string, string>) => {
    const item = await signedProcess({ tags: tag })
    await post(unit, item)
    return item.id
  }

  it('must be as deep as the process says', async () => {
    const unit = await unitWithTransactions()
    const confirmed = (confirmations: number) => {
      const id = idFrom(`confirmed ${confirmations}`)
      const empty = Buffer.alloc(0)
      unit.gateway.hold({ id, tags: [], recipient: empty, anchor: empty, data: empty, confirmations })
      return id
    }
    const five = await depthOf(unit, { 'Settlement-Depth': '5' })
    for (const [process, depth] of [
      [A, 20],
      [five, 5],
      [await depthOf(unit, { 'Settlement-Depth': 'soon' }), 20],
      [await depthOf(unit, { 'Settlement-Depth': '0' }), 0],
    ] as const) {
      if (depth > 0) {
        const refusal = await refusalOf(assign(unit, confirmed(depth - 1), { process, baseLayer: true }))
        expect(refusal).toMatchObject({ code: 'invalid-message', message: expect.stringContaining(`${depth - 1}`) })
      }
      expect(await codeOf(assign(unit, confirmed(depth), { process, baseLayer: true }))).toBe('taken')
    }
  })

  it('is asked of base-layer assigns only, and nothing else is', async () => {
    const unit = await unitWithTransactions()
    unit.calls.length = 0
    await assign(unit, base.id, { baseLayer: true })
    expect(unit.calls.filter((call) => call.startsWith('gateway'))).toEqual(['gateway.confirmations'])
    unit.calls.length = 0
    expect(await codeOf(assign(unit, fresh.id))).toBe('taken')
    expect(unit.calls.filter((call) => call.startsWith('gateway'))).toEqual(['gateway.transaction', 'gateway.data'])
  })
})

describe('what is excluded', () => {
  it.each([
    [undefined, []],
    ['', []],
    [',,', []],
    ['Data,Tags', ['Data', 'Tags']],
    [' Data , Tags', [' Data ', ' Tags']],
    ['a,,b,', ['a', 'b']],
    ['Data,Data', ['Data', 'Data']],
    ['ż,\u{1F680}', ['ż', '\u{1F680}']],
  ])('%j stands in the assignment as %j', async (exclude, tags) => {
    const unit = await unitWithTransactions()
    await assign(unit, base.id, { baseLayer: true, exclude })
    expect((await assignmentOf(unit, A, 1)).fields.exclude).toEqual(tags)
  })

  it.each(['Data', ',Data', 'Data,', ' '])('is refused where it is one value alone: "%s"', async (exclude) => {
    const unit = await unitWithTransactions()
    unit.calls.length = 0
    expect(await codeOf(assign(unit, base.id, { baseLayer: true, exclude }))).toBe('invalid-request')
    expect(unit.calls).toEqual([])
  })
})

describe('a transaction that is assigned again', () => {
  it.each([true, false])('within the window gets its assignment again (base layer: %s)', async (baseLayer) => {
    const unit = await unitWithTransactions()
    const transaction = baseLayer ? base.id : ao.id
    const first = await assign(unit, transaction, { baseLayer })
    await passTime(unit, 1_799_999)
    for (const one of [unit, unit.another()]) expect(await assign(one, transaction, { baseLayer })).toEqual(first)
    // The same transaction, whatever way it is asked for.
    expect(await assign(unit, transaction, { baseLayer: !baseLayer })).toEqual(first)
    expect(await idsOf(unit)).toEqual([A, transaction])
  })

  it('gets it while the gateway is down, too', async () => {
    const unit = await unitWithTransactions()
    const first = await assign(unit, ao.id)
    down(unit)
    expect(await assign(unit, ao.id)).toEqual(first)
    expect(await assign(unit.another(), ao.id)).toEqual(first)
    expect(await codeOf(assign(unit, aoSame.id))).toBe('unavailable')
  })

  it('after the window is refused, with its place', async () => {
    const unit = await unitWithTransactions()
    const { id, timestamp } = await assign(unit, base.id, { baseLayer: true })
    await passTime(unit, 1_800_000)
    const place = { assignment: id, nonce: 1, timestamp }
    for (const one of [unit, unit.another({ retryWindowMs: 0 })]) {
      expect(await refusalOf(assign(one, base.id, { baseLayer: true }))).toMatchObject({
        code: 'already-scheduled',
        details: { id, place },
      })
    }
  })

  it('by several at once is assigned once, and all get the one answer', async () => {
    const unit = await unitWithTransactions()
    const other = unit.another()
    const receipts = await Promise.all([unit, unit, other, other].map((one) => assign(one, ao.id)))
    expect(new Set(receipts.map(({ id }) => id)).size).toBe(1)
    expect(await idsOf(unit)).toEqual([A, ao.id])
  })

  it('to another process is another assignment', async () => {
    const unit = await unitWithTransactions()
    const first = await assign(unit, base.id, { baseLayer: true })
    const second = await assign(unit, base.id, { process: B, baseLayer: true })
    expect(second.id).not.toBe(first.id)
  })
})

describe('deep hashes', () => {
  it('refuse a transaction equal to another that is assigned there', async () => {
    const unit = await unitWithTransactions()
    const { id, timestamp } = await assign(unit, ao.id)
    expect(await refusalOf(assign(unit, aoSame.id))).toMatchObject({
      code: 'deep-hash-known',
      details: { id, place: { assignment: id, nonce: 1, timestamp } },
    })
    expect(await codeOf(assign(unit, aoSame.id, { process: B }))).toBe('taken')
  })

  it('do not concern what is assigned from the base layer', async () => {
    const unit = await unitWithTransactions()
    const empty = Buffer.alloc(0)
    const equal = { tags: [], recipient: empty, anchor: empty, data: empty, confirmations: 100 }
    unit.gateway.hold({ ...equal, id: idFrom('one') })
    unit.gateway.hold({ ...equal, id: idFrom('two') })
    await assign(unit, idFrom('one'), { baseLayer: true })
    expect(await codeOf(assign(unit, idFrom('two'), { baseLayer: true }))).toBe('taken')
    expect(await recordsOf(unit)).toHaveLength(3)
  })

  it('are not held against anything while the check is off, and known when it is turned on', async () => {
    const unit = await unitWithTransactions({ rules: { deepHashChecks: false } })
    await assign(unit, ao.id)
    expect(await codeOf(assign(unit, aoSame.id))).toBe('taken')
    const third = { ...uploaded({ raw: recordedRaw('msgPushed'), id: idFrom('third') }) }
    unit.gateway.hold(third)
    await post(unit, recordedRaw('msgPushed'))
    expect(await codeOf(assign(unit.another({ deepHashChecks: true }), third.id))).toBe('deep-hash-known')
  })
})

describe('posted and assigned are two things', () => {
  it('a message that was posted may be assigned, once', async () => {
    const unit = await unitWithTransactions()
    const message = await signedMessage()
    unit.gateway.hold(uploaded(message))
    await post(unit, message)
    const { id } = await assign(unit, message.id)
    expect((await assign(unit, message.id)).id).toBe(id)
    await passTime(unit, 1_800_001)
    expect(await codeOf(assign(unit, message.id))).toBe('already-scheduled')
    expect(await idsOf(unit)).toEqual([A, message.id, message.id])
  })

  it('a message that was only assigned may be posted, once', async () => {
    const unit = await unitWithTransactions()
    const message = await signedMessage()
    unit.gateway.hold(uploaded(message))
    await assign(unit, message.id)
    expect(await codeOf(post(unit, message))).toBe('taken')
    expect(await codeOf(post(unit, message))).toBe('taken')
    await passTime(unit, 1_800_001)
    expect(await codeOf(post(unit, message))).toBe('already-scheduled')
    const records = await recordsOf(unit)
    expect(records.map(({ kind }) => kind)).toEqual(['process', 'transaction', 'message'])
  })

  it('but a pushed one has one deep hash, whichever way it came', async () => {
    const pushed = recordedItem('msgPushed')
    for (const [first, second] of [
      [post, assign],
      [assign, post],
    ] as const) {
      const unit = await unitWithTransactions()
      unit.gateway.hold(uploaded(pushed))
      const by = (way: typeof first | typeof second) => (way === post ? post(unit, pushed) : assign(unit, pushed.id))
      await by(first)
      expect(await codeOf(by(second))).toBe('deep-hash-known')
      // Each is still known as itself.
      expect(await codeOf(by(first))).toBe('taken')
      expect(await idsOf(unit)).toEqual([A, pushed.id])
    }
  })

  it('a pushed one may be both where it is assigned from the base layer', async () => {
    const unit = await unitWithTransactions()
    const pushed = await signedMessage({ signer: bob, tags: { 'From-Process': B } })
    unit.gateway.hold({ ...uploaded(pushed), confirmations: 100 })
    await assign(unit, pushed.id, { baseLayer: true })
    expect(await codeOf(post(unit, pushed))).toBe('taken')
    expect(await idsOf(unit)).toEqual([A, pushed.id, pushed.id])
  })

  it('of two processes that share a transaction each has its own', async () => {
    const unit = await unitWithTransactions()
    await assign(unit, base2.id, { baseLayer: true })
    await passTime(unit, 1_800_000)
    expect(await codeOf(assign(unit, base2.id, { process: B, baseLayer: true }))).toBe('taken')
  })
})
