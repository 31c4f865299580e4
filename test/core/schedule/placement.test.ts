/** A unit that is one of several: what it asks before it takes a spawn, and what it says when it refuses one. */
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import type { OwnPlacement } from '../../../core/ports/own-placement.ts'
import { createUnit } from '../../fakes/unit.ts'
import { idFrom, signedMessage, signedProcess } from './items.ts'
import { codeOf, post } from './scheduling.ts'

/** Keeps what it was asked, and fails as it is told to. */
function recorded(failures: Partial<Record<keyof OwnPlacement, SchedulerError>> = {}) {
  const asked: string[] = []
  const answer = (name: keyof OwnPlacement) => async (process?: string) => {
    if (name !== 'check') asked.push(`${name} ${process}`)
    const failure = failures[name]
    if (failure) throw failure
  }
  return { asked, claim: answer('claim'), refuse: answer('refuse'), check: answer('check') } satisfies OwnPlacement & {
    asked: string[]
  }
}

const elsewhere = new SchedulerError('invalid-message', 'The process is placed on another unit')
const dead = new SchedulerError('frozen', 'This unit is declared dead')

describe('a spawn', () => {
  it('is claimed once, and not again when it comes again', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    const item = await signedProcess()
    await post(unit, item)
    await post(unit, item)
    expect(placement.asked).toEqual([`claim ${item.id}`])
  })

  it.each([
    ['placed elsewhere', elsewhere],
    [
      'of which cannot be told where it is placed',
      new SchedulerError('unavailable', 'The home region does not answer'),
    ],
  ])('%s begins nothing, and stores nothing', async (_, failure) => {
    const unit = createUnit({ placement: recorded({ claim: failure }), rules: { inlineBytes: 10 } })
    const item = await signedProcess()
    expect(await codeOf(post(unit, item))).toBe(failure.code)
    expect(await unit.store.head(item.id)).toBeUndefined()
    expect(unit.calls.filter((call) => call.startsWith('blobs.'))).toEqual([])
  })

  it('that this unit refuses is said to be refused, and never claimed', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    const item = await signedProcess({ tags: { 'On-Boot': idFrom('nowhere') } })
    expect(await codeOf(post(unit, item))).toBe('invalid-message')
    unit.lists.processes = new Map()
    const other = await signedProcess({ data: 'other' })
    expect(await codeOf(post(unit, other))).toBe('invalid-message')
    expect(placement.asked).toEqual([`refuse ${item.id}`, `refuse ${other.id}`])
  })

  it('is not said to be refused where a gateway is away: another unit would not know more', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    unit.gateway.faults = {
      before({ name }) {
        if (name === 'exists') throw new SchedulerError('unavailable', 'The gateway does not answer')
      },
    }
    const item = await signedProcess({ tags: { 'On-Boot': idFrom('nowhere') } })
    expect(await codeOf(post(unit, item))).toBe('unavailable')
    expect(placement.asked).toEqual([])
  })

  it('is not claimed while the block height is unknown', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    unit.gateway.faults = {
      before: ({ name }) => {
        if (name === 'height') throw new Error('down')
      },
    }
    expect(await codeOf(post(unit, await signedProcess()))).toBe('unavailable')
    expect(placement.asked).toEqual([])
  })

  it('is not claimed where the log is not the unit’s own, and goes back to the router', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    unit.identity.marked = true
    const item = await signedProcess()
    expect(await codeOf(post(unit, item))).toBe('foreign-log')
    expect(placement.asked).toEqual([`refuse ${item.id}`])
  })

  it('whose signature is wrong says nothing about anybody’s process', async () => {
    const placement = recorded()
    const unit = createUnit({ placement })
    const { raw } = await signedProcess({ tags: { 'On-Boot': idFrom('nowhere') } })
    raw[raw.length - 1] = (raw.at(-1) ?? 0) ^ 1
    expect(await codeOf(post(unit, raw))).toBe('invalid-item')
    expect(placement.asked).toEqual([])
  })

  it('is neither claimed nor begun by a unit that was declared dead', async () => {
    const placement = recorded({ check: dead })
    const unit = createUnit({ placement })
    expect(await codeOf(post(unit, await signedProcess()))).toBe('frozen')
    expect(placement.asked).toEqual([])
  })
})

describe('a unit that was declared dead', () => {
  it('schedules no message, and says so', async () => {
    const unit = createUnit()
    const process = await signedProcess()
    await post(unit, process)
    unit.scheduler.placement = recorded({ check: dead })
    expect(await codeOf(post(unit, await signedMessage({ target: process.id })))).toBe('frozen')
    expect(await unit.store.head(process.id)).toMatchObject({ next: 1 })
  })
})
