/** The size limit with its exemptions, and the allow-list of processes, as far as they concern who may write. */
import { describe, expect, it } from 'vitest'
import type { SizeRule } from '../../../core/schedule/rules.ts'
import { recordedTransactions } from '../../fakes/recorded-transactions.ts'
import { createUnit } from '../../fakes/unit.ts'
import { A, alice, B, bob, idFrom, recorded, recordedRaw, signedMessage, signedProcess } from './items.ts'
import { assign, codeOf, idsOf, post, refusalOf, unitWithProcesses } from './scheduling.ts'

describe('a size limit', () => {
  const rule = (more: Partial<SizeRule> = {}): SizeRule => ({
    maxBytes: 2000,
    owners: new Set(),
    fromProcesses: new Set(),
    fromOwners: new Set(),
    ...more,
  })
  const unitWith = (size: SizeRule) => unitWithProcesses({ rules: { size } })
  /** A message of exactly that many bytes. */
  const ofBytes = async (bytes: number, tags: Record<string, string> = {}, signer = alice) => {
    const { raw } = await signedMessage({ signer, tags })
    return signedMessage({ signer, tags, data: 'x'.repeat(bytes - raw.length) })
  }

  it('counts the whole item, and takes one of just that size', async () => {
    const unit = await unitWith(rule())
    expect((await ofBytes(2000)).raw).toHaveLength(2000)
    expect(await codeOf(post(unit, await ofBytes(2000)))).toBe('taken')
    expect(await refusalOf(post(unit, await ofBytes(2001)))).toMatchObject({
      code: 'message-too-large',
      message: expect.stringContaining('2000 bytes'),
    })
  })

  it('is none unless configured', async () => {
    expect(await codeOf(post(await unitWithProcesses(), recordedRaw('msg100k')))).toBe('taken')
  })

  it('does not concern processes and assigns', async () => {
    const unit = await unitWith(rule())
    expect(await codeOf(post(unit, await signedProcess({ data: 'x'.repeat(5000) })))).toBe('taken')
    for (const transaction of recordedTransactions) unit.gateway.hold({ ...transaction, data: Buffer.alloc(5000) })
    expect(await codeOf(assign(unit, recorded.txs.ao.id))).toBe('taken')
  })

  it('does not concern the owners on its list', async () => {
    const unit = await unitWith(rule({ owners: new Set([bob.address]) }))
    expect(await codeOf(post(unit, await ofBytes(3000, {}, bob)))).toBe('taken')
    expect(await codeOf(post(unit, await ofBytes(3000, {}, alice)))).toBe('message-too-large')
  })

  it('does not concern what a listed owner pushes from a listed process: both are needed', async () => {
    const unit = await unitWith(rule({ fromProcesses: new Set([B]), fromOwners: new Set([bob.address]) }))
    const from = (process: string) => ({ 'From-Process': process })
    expect(await codeOf(post(unit, await ofBytes(3000, from(B), bob)))).toBe('taken')
    expect(await codeOf(post(unit, await ofBytes(3000, from(A), bob)))).toBe('message-too-large')
    expect(await codeOf(post(unit, await ofBytes(3000, from(B), alice)))).toBe('message-too-large')
    expect(await codeOf(post(unit, await ofBytes(3000, {}, bob)))).toBe('message-too-large')
    for (const half of [{ fromProcesses: new Set([B]) }, { fromOwners: new Set([bob.address]) }]) {
      const other = await unitWith(rule(half))
      expect(await codeOf(post(other, await ofBytes(3000, from(B), bob)))).toBe('message-too-large')
    }
  })
})

describe('an allow-list', () => {
  async function unitWithList() {
    const unit = await unitWithProcesses()
    for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
    unit.lists.processes = new Map([
      [A, { read: true, write: true }],
      [B, { read: true, write: false }],
    ])
    return unit
  }

  it('lets in what it names', async () => {
    const unit = await unitWithList()
    expect(await codeOf(post(unit, await signedMessage()))).toBe('taken')
    expect(await codeOf(assign(unit, recorded.txs.ao.id))).toBe('taken')
  })

  it('keeps out what it does not name, or names as read-only', async () => {
    const unit = await unitWithList()
    const stranger = idFrom('nobody')
    for (const [target, reason] of [
      [B, /is read-only/],
      [stranger, /is not allowed/],
    ] as const) {
      const wanted = { code: 'invalid-message', message: expect.stringMatching(reason) }
      expect(await refusalOf(post(unit, await signedMessage({ target })))).toMatchObject(wanted)
      expect(await refusalOf(assign(unit, recorded.txs.ao.id, { process: target }))).toMatchObject(wanted)
    }
    expect(await idsOf(unit, B)).toEqual([B])
  })

  it('lets nothing be spawned, not even what it names or what is there', async () => {
    const unit = await unitWithList()
    for (const raw of [(await signedProcess()).raw, recordedRaw('procA')]) {
      expect(await codeOf(post(unit, raw))).toBe('invalid-message')
    }
  })

  it('that was never read lets in nothing, for now', async () => {
    const unit = await unitWithProcesses()
    unit.lists.processes = 'never read'
    expect(await codeOf(post(unit, await signedMessage()))).toBe('unavailable')
    expect(await codeOf(assign(unit, recorded.txs.ao.id))).toBe('unavailable')
    expect(await idsOf(unit)).toEqual([A])
  })

  it('judges before the log is asked', async () => {
    const unit = createUnit()
    unit.lists.processes = new Map()
    const item = await signedMessage()
    expect(await codeOf(post(unit, item))).toBe('invalid-message')
    expect(unit.calls).toEqual(['lists.processAccess'])
  })
})
