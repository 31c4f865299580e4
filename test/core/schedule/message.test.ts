/** Messages that come again, are equal to others, or come to a process that takes none. */
import { describe, expect, it } from 'vitest'
import type { Unit } from '../../fakes/unit.ts'
import { A, B, bob, idFrom, recordedItem, recordedRaw, signedMessage } from './items.ts'
import { codeOf, idsOf, passTime, post, recordsOf, refusalOf, slowly, unitWithProcesses } from './scheduling.ts'

const WINDOW = 1_800_000

const placeOf = async (unit: Unit, id: string) => {
  const [finding] = await unit.store.find(id)
  if (!finding) throw new Error('not scheduled')
  return finding.place
}

describe('a message', () => {
  it('gets the next place in its process, one after the other', async () => {
    const unit = await unitWithProcesses()
    const messages = await Promise.all([1, 2, 3].map((n) => signedMessage({ data: `${n}` })))
    for (const message of messages) expect(await post(unit, message)).toMatchObject({ id: message.id })
    expect(await idsOf(unit)).toEqual([A, ...messages.map(({ id }) => id)])
    const records = await recordsOf(unit)
    expect(records.map(({ nonce }) => nonce)).toEqual([0, 1, 2, 3])
    expect(records[3]?.item).toEqual({ id: messages[2]?.id, raw: messages[2]?.raw })
  })

  it('of two processes stands in its own', async () => {
    const unit = await unitWithProcesses()
    await post(unit, recordedRaw('msgB1'))
    expect(await idsOf(unit, A)).toEqual([A])
    expect(await idsOf(unit, B)).toEqual([B, recordedItem('msgB1').id])
  })
})

describe('a message that comes again', () => {
  it('within the window gets its place’s answer, and nothing is scheduled twice', async () => {
    const unit = await unitWithProcesses()
    const message = await signedMessage()
    await post(unit, message)
    const { timestamp } = await placeOf(unit, message.id)
    await passTime(unit, WINDOW - 1)
    for (const one of [unit, unit.another()]) expect(await post(one, message)).toEqual({ id: message.id, timestamp })
    expect(await idsOf(unit)).toEqual([A, message.id])
  })

  it('after the window is refused, with its place', async () => {
    const unit = await unitWithProcesses()
    const message = await signedMessage()
    await post(unit, message)
    const place = await placeOf(unit, message.id)
    await passTime(unit, WINDOW)
    expect(await refusalOf(post(unit, message))).toMatchObject({
      code: 'already-scheduled',
      details: { id: message.id, place },
    })
    expect(place).toMatchObject({ nonce: 1 })
    expect(await idsOf(unit)).toEqual([A, message.id])
  })

  it('is refused at once where there is no window, also while timestamps run ahead of the clock', async () => {
    const unit = await unitWithProcesses({ rules: { retryWindowMs: 0 } })
    const messages = await Promise.all([1, 2, 3, 4, 5].map((n) => signedMessage({ data: `${n}` })))
    for (const message of messages) await post(unit, message)
    const last = messages.at(-1)
    if (!last) throw new Error('no message')
    expect((await placeOf(unit, last.id)).timestamp).toBeGreaterThan(unit.clock.now())
    expect(await codeOf(post(unit, last))).toBe('already-scheduled')
  })

  it('while it is still on its way is answered like the first', async () => {
    const unit = await unitWithProcesses()
    const other = unit.another()
    const message = await signedMessage()
    const receipts = await Promise.all([unit, unit, other, other].map((one) => post(one, message)))
    expect(new Set(receipts.map(({ id }) => id))).toEqual(new Set([message.id]))
    expect(await idsOf(unit)).toEqual([A, message.id])
  })

  it('to a frozen process waits until it is open again', async () => {
    const unit = await unitWithProcesses()
    const message = await signedMessage()
    const { timestamp } = await post(unit, message)
    await unit.store.setState(A, 'open', 'frozen')
    expect(await codeOf(post(unit.another(), message))).toBe('frozen')
    await unit.store.setState(A, 'frozen', 'open')
    expect(await post(unit.another(), message)).toEqual({ id: message.id, timestamp })
  })
})

describe('a pushed message', () => {
  const pushed = (data: string, from = B, pushedFor = 'p') =>
    signedMessage({ signer: bob, data, tags: { 'From-Process': from, 'Pushed-For': pushedFor } })

  it('equal to another in its process is refused, with the other’s place', async () => {
    const unit = await unitWithProcesses()
    await post(unit, recordedRaw('msgPushed'))
    const place = await placeOf(unit, recordedItem('msgPushed').id)
    for (const name of ['msgPushedAgain', 'msgPushedReordered'] as const) {
      expect(await refusalOf(post(unit, recordedRaw(name)))).toMatchObject({
        code: 'deep-hash-known',
        details: { id: place.assignment, place },
      })
    }
    expect(await codeOf(post(unit, recordedRaw('msgPushedOther')))).toBe('taken')
  })

  it('equal to another is refused within the retry window too, but itself gets its answer', async () => {
    const unit = await unitWithProcesses()
    const first = await pushed('once')
    const { timestamp } = await post(unit, first)
    expect(await post(unit, first)).toEqual({ id: first.id, timestamp })
    expect(await codeOf(post(unit, await pushed('once', B, 'later')))).toBe('deep-hash-known')
  })

  it('may be equal to one of another process, or pushed by another', async () => {
    const unit = await unitWithProcesses()
    await post(unit, await pushed('same'))
    const elsewhere = { signer: bob, data: 'same', target: B, tags: { 'From-Process': B, 'Pushed-For': 'p' } }
    expect(await codeOf(post(unit, await signedMessage(elsewhere)))).toBe('taken')
    expect(await codeOf(post(unit, await pushed('same', idFrom('another process'))))).toBe('taken')
  })

  it('may be equal to one of a user, who may repeat himself', async () => {
    const unit = await unitWithProcesses()
    for (const name of ['msgUserTwice1', 'msgUserTwice2'] as const) await post(unit, recordedRaw(name))
    // Only this name makes it a pushed one.
    for (const pushedFor of ['1', '2']) {
      await post(unit, await signedMessage({ tags: { 'From-process': B, 'Pushed-For': pushedFor } }))
    }
    expect(await recordsOf(unit)).toHaveLength(5)
  })

  it('equal to another is taken while the check is off, and known when it is turned on', async () => {
    const unit = await unitWithProcesses({ rules: { deepHashChecks: false } })
    await post(unit, await pushed('one', B, '1'))
    await post(unit, await pushed('one', B, '2'))
    expect(await recordsOf(unit)).toHaveLength(3)
    const checking = unit.another({ deepHashChecks: true })
    expect(await codeOf(post(checking, await pushed('one', B, '3')))).toBe('deep-hash-known')
  })

  it('is taken once of many equal ones that come at once', async () => {
    const unit = await unitWithProcesses()
    const other = unit.another()
    const items = await Promise.all(['1', '2', '3', '4'].map((n) => pushed('race', B, n)))
    const posting = Promise.all(items.map((item, index) => codeOf(post(index % 2 ? unit : other, item))))
    const codes = await slowly(unit, posting)
    expect(codes.toSorted()).toEqual(['deep-hash-known', 'deep-hash-known', 'deep-hash-known', 'taken'])
    expect(await recordsOf(unit)).toHaveLength(2)
  })
})

describe('a process that takes no messages', () => {
  it.each([
    ['frozen', 'frozen'],
    ['incomplete', 'incomplete'],
  ] as const)('because it is %s refuses them, and keeps nothing of them', async (state, code) => {
    const unit = await unitWithProcesses({ rules: { inlineBytes: 10 } })
    const blobs = unit.blobs.size
    await unit.store.setState(A, 'open', state)
    // One instance remembers the head as it was, the other reads it.
    const instances = [unit, unit.another()]
    for (const one of instances) {
      const refusal = await refusalOf(slowly(one, post(one, await signedMessage())))
      expect(refusal).toMatchObject({ code, details: { retryAfter: 60 } })
    }
    expect(unit.blobs.size).toBeLessThanOrEqual(blobs + 1)
    await unit.store.setState(A, state, 'open')
    const taken: string[] = []
    for (const [index, one] of instances.entries()) {
      const message = await signedMessage({ data: `after it was opened, ${index}` })
      await post(one, message)
      taken.push(message.id)
    }
    expect(await idsOf(unit)).toEqual([A, ...taken])
  })
})
