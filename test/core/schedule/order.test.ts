/** In which order a request is judged: what nobody need be asked about first, so that garbage costs nothing. */
import { describe, expect, it } from 'vitest'
import { createUnit } from '../../fakes/unit.ts'
import { A, idFrom, recorded, recordedRaw, signedItem, signedMessage, signedProcess } from './items.ts'
import { assign, codeOf, post, refusalOf, unitWithProcesses } from './scheduling.ts'

/** The item with its signature's first byte flipped. */
const unsigned = ({ raw }: { raw: Buffer }): Buffer => {
  const copy = Buffer.from(raw)
  copy[2] = (copy[2] ?? 0) ^ 1
  return copy
}

describe('what costs no call of any port', () => {
  it.each(Object.entries(recorded.items).filter(([, { valid }]) => !valid))('%s', async (_, { raw }) => {
    const unit = createUnit()
    expect(await codeOf(post(unit, Buffer.from(raw, 'base64url')))).toBe('invalid-item')
    expect(unit.calls).toEqual([])
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['zeros', Buffer.alloc(4096)],
    ['ones', Buffer.alloc(4096, 255)],
    ['a megabyte of a type that is taken', Buffer.alloc(1_000_000, 1)],
  ])('%s', async (_, bytes) => {
    const unit = createUnit()
    expect(await codeOf(post(unit, bytes))).toBe('invalid-item')
    expect(unit.calls).toEqual([])
  })

  it.each([
    ['a message', () => signedMessage()],
    ['a pushed message', () => signedMessage({ tags: { 'From-Process': A } })],
    ['a process', () => signedProcess()],
    ['a process with an On-Boot', () => signedProcess({ tags: { 'On-Boot': idFrom('boot') } })],
    ['an item larger than a record', () => signedMessage({ data: Buffer.alloc(10_000) })],
  ])('%s that is not signed', async (_, item) => {
    const unit = createUnit()
    expect(await codeOf(post(unit, unsigned(await item())))).toBe('invalid-item')
    expect(unit.calls).toEqual([])
  })

  it('a sound item that breaks a rule of its own', async () => {
    const unit = createUnit({
      rules: { size: { maxBytes: 2000, owners: new Set(), fromProcesses: new Set(), fromOwners: new Set() } },
    })
    for (const item of [
      await signedItem({ tags: {} }),
      await signedItem({ tags: { Type: 'Message' }, target: A }),
      await signedItem({ tags: { Type: 'Message', 'Data-Protocol': 'ao' } }),
      await signedItem({ tags: { Type: 'Process', 'Data-Protocol': 'ao' } }),
      await signedMessage({ tags: { 'x+link': '' } }),
      await signedMessage({ data: 'x'.repeat(2000) }),
      await signedProcess({ tags: { 'On-Boot': 'nonsense' } }),
    ]) {
      expect(['invalid-message', 'message-too-large']).toContain(await codeOf(post(unit, item)))
    }
    expect(unit.calls).toEqual([])
  })

  it('an assign that is malformed, or of a process that cannot be', async () => {
    const unit = createUnit()
    expect(await codeOf(assign(unit, 'short'))).toBe('invalid-request')
    expect(await codeOf(assign(unit, recorded.txs.base.id, { exclude: 'Data' }))).toBe('invalid-request')
    expect(await codeOf(assign(unit, recorded.txs.base.id, { process: 'short' }))).toBe('not-found')
    expect(unit.calls).toEqual([])
  })
})

describe('of several faults', () => {
  const tooLong = {
    size: { maxBytes: 10, owners: new Set<string>(), fromProcesses: new Set<string>(), fromOwners: new Set<string>() },
  }

  it('that of the signature comes first, then those of the item, then that of the process', async () => {
    const unit = createUnit({ rules: tooLong })
    const nobody = idFrom('nobody')
    const [wrong, long] = [await signedItem({ tags: {}, target: nobody }), await signedMessage({ target: nobody })]
    for (const item of [wrong, long]) expect(await codeOf(post(unit, unsigned(item)))).toBe('invalid-item')
    expect(await codeOf(post(unit, wrong))).toBe('invalid-message')
    expect(await codeOf(post(unit, long))).toBe('message-too-large')
  })

  it('the signature comes before the process', async () => {
    const unit = createUnit()
    expect(await codeOf(post(unit, unsigned(await signedMessage({ target: idFrom('nobody') }))))).toBe('invalid-item')
  })

  it('the allow-list comes before whether the process is known', async () => {
    const unit = createUnit()
    unit.lists.processes = new Map()
    expect(await codeOf(post(unit, await signedMessage({ target: idFrom('nobody') })))).toBe('invalid-message')
    expect(await codeOf(assign(unit, recorded.txs.base.id, { process: idFrom('nobody') }))).toBe('invalid-message')
  })

  it('the process comes before what the gateway knows', async () => {
    const unit = await unitWithProcesses()
    await unit.store.setState(A, 'open', 'frozen')
    expect(await codeOf(assign(unit.another(), recorded.missing))).toBe('frozen')
  })

  it('the item itself comes before its deep hash', async () => {
    const unit = await unitWithProcesses({ rules: { retryWindowMs: 0 } })
    await post(unit, recordedRaw('msgPushed'))
    expect(await refusalOf(post(unit, recordedRaw('msgPushed')))).toMatchObject({
      code: 'already-scheduled',
      details: { id: recorded.items.msgPushed.id },
    })
  })
})

describe('an unknown process', () => {
  it('costs no blob', async () => {
    const unit = createUnit()
    expect(await codeOf(post(unit, await signedMessage({ data: Buffer.alloc(10_000) })))).toBe('not-found')
    expect(unit.calls).not.toContain('blobs.put')
    expect(unit.calls).not.toContain('store.commit')
  })
})
