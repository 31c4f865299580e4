/** What a request is told when what the unit depends on is away, slow, or not its own. */
import { describe, expect, it } from 'vitest'
import { recordedTransactions } from '../../fakes/recorded-transactions.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { createUnit, type Unit } from '../../fakes/unit.ts'
import { A, recorded, recordedRaw, signedMessage, signedProcess } from './items.ts'
import {
  assign,
  codeOf,
  deadlineOf,
  idsOf,
  passTime,
  post,
  refusalOf,
  slowly,
  unitWithProcesses,
} from './scheduling.ts'

const away = () => {
  throw new Error('away')
}

/** Until the unit has called this: signatures are checked in real time, which no test's clock waits for. */
async function called(unit: Unit, call: string): Promise<void> {
  while (!unit.calls.includes(call)) await new Promise((resolve) => setTimeout(resolve, 1))
}

async function unitWithTransactions() {
  const unit = await unitWithProcesses()
  for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
  return unit
}

describe('a gateway that is down', () => {
  it('stops no messages', async () => {
    const unit = await unitWithTransactions()
    unit.gateway.faults = { before: away }
    await passTime(unit, 3_600_000)
    expect(await codeOf(post(unit, await signedMessage()))).toBe('taken')
    expect(await codeOf(post(unit.another(), await signedMessage()))).toBe('taken')
  })

  it('stops assigns, which may be asked for again', async () => {
    const unit = await unitWithTransactions()
    unit.gateway.faults = { before: away }
    for (const [id, baseLayer] of [
      [recorded.txs.ao.id, false],
      [recorded.txs.base.id, true],
    ] as const) {
      expect(await codeOf(assign(unit, id, { baseLayer }))).toBe('unavailable')
    }
    expect(await idsOf(unit)).toEqual([A])
    unit.gateway.faults = {}
    expect(await codeOf(assign(unit, recorded.txs.ao.id))).toBe('taken')
  })

  it('that breaks off a transaction’s data assigns nothing', async () => {
    const unit = await unitWithTransactions()
    unit.gateway.faults = {
      after: ({ name }) => {
        if (name === 'data') away()
      },
    }
    expect(await codeOf(assign(unit, recorded.txs.ao.id))).toBe('unavailable')
    expect(await idsOf(unit)).toEqual([A])
  })

  it('stops spawns where no height is known, and none where one is', async () => {
    const unit = createUnit()
    unit.gateway.faults = { before: away }
    const item = await signedProcess()
    expect(await refusalOf(post(unit, item))).toMatchObject({ code: 'unavailable' })
    const at = unit.clock.now() - 3_600_000
    unit.heights.known = { height: 1_555_555, at, since: at }
    const later = unit.another()
    expect(await codeOf(post(later, item))).toBe('taken')
    expect(await unit.store.head(item.id)).toMatchObject({ blockHeight: 1_555_555 })
  })
})

describe('a gateway that is slow', () => {
  const slow = async () => {
    const unit = await unitWithTransactions()
    unit.gateway.faults = { before: () => unit.clock.sleep(60_000) }
    return unit
  }

  it.each([
    ['transaction', false],
    ['confirmations', true],
  ] as const)('has an assign answered at its deadline, and nothing scheduled later: %s', async (_, baseLayer) => {
    const unit = await slow()
    const id = baseLayer ? recorded.txs.base.id : recorded.txs.ao.id
    const deadline = deadlineOf(unit)
    const refusal = await unit.clock.run(refusalOf(assign(unit, id, { baseLayer })))
    expect(refusal).toMatchObject({ code: 'unavailable', details: { retryAfter: expect.any(Number) } })
    expect(unit.clock.now()).toBe(deadline)
    await passTime(unit, 200_000)
    expect(await idsOf(unit)).toEqual([A])
  })

  it('has a spawn answered at its deadline', async () => {
    const unit = await slow()
    const item = await signedProcess({ tags: { 'On-Boot': recorded.txs.onboot.id } })
    const deadline = deadlineOf(unit)
    const work = refusalOf(post(unit, item))
    await called(unit, 'gateway.exists')
    expect(await unit.clock.run(work)).toMatchObject({ code: 'unavailable' })
    expect(unit.clock.now()).toBe(deadline)
    await passTime(unit, 200_000)
    expect(await unit.store.head(item.id)).toBeUndefined()
  })

  it('keeps no message waiting', async () => {
    const unit = await slow()
    await passTime(unit, 3_600_000)
    const before = unit.clock.now()
    expect(await codeOf(post(unit, await signedMessage()))).toBe('taken')
    expect(unit.clock.now()).toBe(before)
  })
})

describe('a log that is away', () => {
  it.each(['head', 'findItem'] as const)('fails what needs it and changes nothing: %s', async (broken) => {
    const unit = await unitWithTransactions()
    unit.store.faults = {
      before: ({ name }) => {
        if (name === broken) away()
      },
    }
    const fresh = unit.another()
    if (broken === 'head') {
      expect(await codeOf(post(fresh, await signedMessage()))).toBe('unavailable')
      expect(await codeOf(post(fresh, recordedRaw('procA')))).toBe('unavailable')
    }
    // Whether a transaction is assigned already must not be guessed.
    expect(await codeOf(assign(fresh, recorded.txs.ao.id))).toBe('unavailable')
    unit.store.faults = {}
    expect(await idsOf(unit)).toEqual([A])
  })

  it('has its answer looked up, and the message scheduled once', async () => {
    const unit = await unitWithProcesses()
    let lost = 0
    unit.store.faults = {
      after: ({ name }) => {
        if (name === 'commit' && lost++ === 0) away()
      },
    }
    const message = await signedMessage()
    expect(await codeOf(slowly(unit, post(unit, message)))).toBe('taken')
    expect(await idsOf(unit)).toEqual([A, message.id])
  })
})

describe('a log that is not this unit’s', () => {
  const foreign = { code: 'foreign-log' }

  it('because another wallet signs it gets nothing scheduled, begun or assigned', async () => {
    const first = await unitWithTransactions()
    const { address, owner } = createFakeSigner('another wallet')
    first.identity.identity = { wallet: address, owner, tables: first.identity.tables, generation: 0 }
    const unit = first.another()
    expect(await refusalOf(post(unit, await signedMessage()))).toMatchObject(foreign)
    const process = await signedProcess()
    expect(await refusalOf(post(unit, process))).toMatchObject(foreign)
    expect(await refusalOf(assign(unit, recorded.txs.ao.id))).toMatchObject(foreign)
    expect(await idsOf(unit)).toEqual([A])
    expect(await unit.store.head(process.id)).toBeUndefined()
  })

  it('because it came back from a backup, neither', async () => {
    const unit = await unitWithTransactions()
    await post(unit, await signedMessage())
    unit.identity.tables = 'restored tables'
    expect(await refusalOf(post(unit.another(), await signedMessage()))).toMatchObject(foreign)
    expect(await refusalOf(assign(unit.another(), recorded.txs.ao.id))).toMatchObject(foreign)
    expect(await idsOf(unit)).toHaveLength(2)
  })
})
