/** What an item must be to be taken: its bytes, signature and tags (contract, "What is refused"). */
import { describe, expect, it } from 'vitest'
import { recordedTransactions } from '../../fakes/recorded-transactions.ts'
import {
  alice,
  ethereumItem,
  type ItemParts,
  idFrom,
  messageTags,
  processTags,
  recorded,
  signedItem,
  signedMessage,
  signedProcess,
  tagList,
} from './items.ts'
import { codeOf, idsOf, post, refusalOf, unitWithProcesses } from './scheduling.ts'

const without = (tags: typeof messageTags, ...names: string[]) =>
  Object.fromEntries(Object.entries(tags).filter(([name]) => !names.includes(name)))

const message = (tags: NonNullable<ItemParts['tags']>) => signedItem({ tags, target: recorded.items.procA.id })
const process = (tags: NonNullable<ItemParts['tags']>) => signedItem({ tags })

/** What becomes of an item that is posted to a unit with A and B, and that a refusal changes nothing. */
async function outcomeOf(item: { raw: Buffer; id: string }) {
  const unit = await unitWithProcesses()
  for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
  const code = await codeOf(post(unit, item))
  const known = (await unit.store.head(item.id)) !== undefined || (await idsOf(unit)).includes(item.id)
  expect(known).toBe(code === 'taken')
  return code
}

describe('recorded items', () => {
  /** As `test/data/conformance/recorded` has it of the reference, and the contract where that is wrong. */
  const refused: Record<string, string> = {
    procNoModule: 'invalid-message',
    procNoScheduler: 'invalid-message',
    procNoProtocol: 'invalid-message',
    procLowercaseAll: 'invalid-message',
    procLink: 'invalid-message',
    procLinkValue: 'invalid-message',
    procOnBootMissing: 'invalid-message',
    procTypedEth: 'invalid-item',
    procSolana: 'invalid-item',
    msgTypedEth: 'invalid-item',
    msgSolana: 'invalid-item',
    msgSolanaHex: 'invalid-item',
    msgNoTarget: 'invalid-message',
    msgNoType: 'invalid-message',
    msgBadType: 'invalid-message',
    msgNoProtocol: 'invalid-message',
    msgLink: 'invalid-message',
    msgUnknownTarget: 'not-found',
    msgBadSignature: 'invalid-item',
    msgTampered: 'invalid-item',
    msgTruncated: 'invalid-item',
    msgHeaderOnly: 'invalid-item',
    msgBadSigType: 'invalid-item',
    msgEthBadSignature: 'invalid-item',
  }

  it.each(Object.entries(recorded.items))('%s', async (name, { raw }) => {
    const unit = await unitWithProcesses()
    for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
    expect(await codeOf(post(unit, Buffer.from(raw, 'base64url')))).toBe(refused[name] ?? 'taken')
  })
})

describe('the type', () => {
  it.each([
    ['is missing', without(messageTags, 'Type')],
    ['is something else', { ...messageTags, Type: 'Assignment' }],
    ['differs in case', { ...messageTags, Type: 'message' }],
    ['has a space', { ...messageTags, Type: 'Message ' }],
    ['is empty', { ...messageTags, Type: '' }],
    ['has another name', { ...without(messageTags, 'Type'), TYPE: 'Message' }],
    ['is wrong in the first of two', { ...messageTags, Type: ['Other', 'Message'] }],
  ])('is refused where it %s', async (_, tags) => {
    expect(await outcomeOf(await message(tags))).toBe('invalid-message')
  })

  it('may be written in lower case, and the first of both counts', async () => {
    const type = tagList({ type: 'Message' })
    expect(await outcomeOf(await message(tagList({ type: 'Message', 'data-protocol': 'ao' })))).toBe('taken')
    expect(await outcomeOf(await message([...type, ...tagList({ 'Data-Protocol': 'ao', Type: 'Nonsense' })]))).toBe(
      'taken',
    )
    expect(await outcomeOf(await message(tagList({ 'Data-Protocol': 'ao', Type: 'Nonsense', type: 'Message' })))).toBe(
      'invalid-message',
    )
  })

  it('of a message makes no process of an item with all a process needs', async () => {
    const tags = [...tagList({ type: 'Message' }), ...tagList(processTags)]
    const item = await message(tags)
    const unit = await unitWithProcesses()
    await post(unit, item)
    expect(await idsOf(unit)).toContain(item.id)
    expect(await unit.store.head(item.id)).toBeUndefined()
  })
})

describe('other tags', () => {
  it('need a data protocol, of any value', async () => {
    const bare = without(messageTags, 'Data-Protocol')
    expect(await outcomeOf(await message(bare))).toBe('invalid-message')
    expect(await outcomeOf(await message({ ...bare, 'Data-protocol': 'ao' }))).toBe('invalid-message')
    for (const protocol of ['zz', '']) {
      expect(await outcomeOf(await message({ ...bare, 'data-protocol': protocol }))).toBe('taken')
      expect(await outcomeOf(await message({ ...bare, 'Data-Protocol': protocol }))).toBe('taken')
    }
    expect(await outcomeOf(await process(without(processTags, 'Data-Protocol')))).toBe('invalid-message')
  })

  it('must not end in +link, neither name nor value', async () => {
    for (const tags of [{ 'data+link': 'x' }, { x: 'data+link' }, { '+link': '' }, { x: '+link' }]) {
      expect(await outcomeOf(await signedMessage({ tags }))).toBe('invalid-message')
      expect(await outcomeOf(await signedProcess({ tags }))).toBe('invalid-message')
    }
    const fine = { 'data+links': 'x', 'x+link ': 'y', '+link+': '+LINK', y: 'a+link-b' }
    expect(await outcomeOf(await signedMessage({ tags: fine }))).toBe('taken')
  })

  it('of a process hold a module and a scheduler, of any value, so written', async () => {
    expect(await outcomeOf(await process({ ...processTags, Module: '', Scheduler: '' }))).toBe('taken')
    for (const name of ['Module', 'Scheduler']) {
      expect(await outcomeOf(await process(without(processTags, name)))).toBe('invalid-message')
      const lower = { ...without(processTags, name), [name.toLowerCase()]: 'x' }
      expect(await outcomeOf(await process(lower))).toBe('invalid-message')
    }
  })

  it('may be any number, of any length, empty or odd', async () => {
    const odd = { '': '', 'a\0b': '\u{1F680}\uFFFD\uFEFF', long: 'x'.repeat(3000), long2: 'y'.repeat(3000) }
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`Tag-${index}`, `${index}`]))
    expect(await outcomeOf(await signedMessage({ tags: { ...odd, ...many, Same: ['1', '1', '2'] } }))).toBe('taken')
  })

  it('of a refusal are not repeated at length', async () => {
    const unit = await unitWithProcesses()
    const name = `${'n'.repeat(50_000)}+link`
    const { message: sentence } = await refusalOf(post(unit, await signedMessage({ tags: { [name]: '' } })))
    expect(sentence.length).toBeLessThan(200)
  })
})

describe('a signature', () => {
  it('of types 1 and 3 is taken, others where the configuration takes them', async () => {
    const solana = Buffer.from(recorded.items.msgSolana.raw, 'base64url')
    const unit = await unitWithProcesses()
    expect((await refusalOf(post(unit, solana))).message).toMatch(/type \d \(.+\) is not taken/)
    const liberal = await unitWithProcesses({ rules: { signatureTypes: [1, 2, 3, 4] } })
    expect(await codeOf(post(liberal, solana))).toBe('taken')
    const strict = await unitWithProcesses({ rules: { signatureTypes: [1] } })
    expect(await codeOf(post(strict, await ethereumItem({ tags: processTags })))).toBe('invalid-item')
    expect(await outcomeOf(await ethereumItem({ tags: processTags }))).toBe('taken')
  })

  it('of a process that is not its owner’s begins none', async () => {
    const item = await signedProcess()
    const spoiled = Buffer.from(item.raw)
    spoiled[spoiled.length - 1] = (spoiled[spoiled.length - 1] ?? 0) ^ 1
    expect(await outcomeOf({ raw: spoiled, id: item.id })).toBe('invalid-item')
  })
})

describe('a message', () => {
  it('is refused where its process is not known, also if that is a message', async () => {
    const unit = await unitWithProcesses()
    const first = await signedMessage()
    await post(unit, first)
    for (const target of [idFrom('nobody'), first.id]) {
      const refusal = await refusalOf(post(unit, await signedMessage({ target })))
      expect(refusal).toMatchObject({ code: 'not-found', message: 'Process not found' })
    }
  })

  it('is its sender’s, whoever that is', async () => {
    const unit = await unitWithProcesses()
    const item = await signedMessage({ signer: alice, data: 'x' })
    const { id, timestamp } = await post(unit, item)
    expect(id).toBe(item.id)
    expect(timestamp).toBe(unit.clock.now())
  })
})
