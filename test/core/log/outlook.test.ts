/** What an instance does next, by what it knows of a process; and that the diagram in the docs shows what instances do. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Knowledge, next, Outlook, type State } from '../../../core/log/outlook.ts'
import type { Head } from '../../../core/log/record.ts'
import { tuning } from '../../../core/log/tuning.ts'
import { bareHead, randomId } from '../../suites/commits.ts'
import { chaos } from './simulation/chaos.ts'
import { load } from './simulation/load.ts'

const now = 1_000_000
const head = bareHead(randomId())
const nothing: Knowledge = {
  head: undefined,
  isTold: false,
  isShared: false,
  losses: 0,
  isLeader: false,
  ledUntil: 0,
  contendedUntil: 0,
  queueDownUntil: 0,
  isPassedOver: false,
}
const own = { ...nothing, head }
const told = { ...own, isTold: true }
const led = { ledUntil: now + 1 }
const contended = { contendedUntil: now + 1 }
const isDown = { queueDownUntil: now + 1 }
const lost = { losses: tuning.lossesToLead }

describe('what comes next', () => {
  const table: [what: string, known: Knowledge, state: State][] = [
    ['nothing is known', nothing, 'reading'],
    ['the head is its own', own, 'committing'],
    ['another instance writes too', { ...own, isShared: true }, 'yielding'],
    ['the head was told, whoever writes', { ...told, isShared: true }, 'committing'],
    ['some commits were lost', { ...told, isShared: true, losses: tuning.lossesToLead - 1 }, 'committing'],
    ['too many were lost', { ...told, ...lost }, 'leading'],
    ['too many were lost, and the head is not known', { ...nothing, ...lost }, 'reading'],
    ['it has the lease', { ...told, isLeader: true }, 'leading'],
    ['another instance leads', { ...nothing, ...led }, 'following'],
    ['another instance leads, as the head just said', { ...told, ...led }, 'following'],
    ['another instance leads, and too many commits were lost', { ...told, ...led, ...lost }, 'following'],
    ['the lease is over', { ...own, ledUntil: now }, 'committing'],
    ['the process is contended', { ...own, ...contended }, 'submitting'],
    ['it is contended, and the head was told', { ...told, ...contended }, 'committing'],
    ['it is contended no more', { ...own, contendedUntil: now }, 'committing'],
    ['it is passed over', { ...told, ...led, isPassedOver: true }, 'committing'],
    ['it is passed over, and has lost before', { ...told, ...led, ...lost, isPassedOver: true }, 'committing'],
    ['the queue is down while another one leads', { ...own, ...led, ...isDown }, 'committing'],
    ['the queue is down in a contended process', { ...nothing, ...contended, ...isDown }, 'reading'],
    ['the queue is down, and too many commits were lost', { ...told, ...lost, ...isDown }, 'committing'],
    ['the queue is down, and it has the lease', { ...told, isLeader: true, ...isDown }, 'committing'],
  ]
  it.each(table)('%s', (_, known, state) => {
    expect(next(known, now, tuning)).toBe(state)
  })
})

describe('what is known of a leader', () => {
  const withLease = (by: string, until: number, wait = 50): Head => ({ ...head, lease: { by, until, wait } })
  const outlook = () => new Outlook(tuning, { downUntil: 0 })

  it('is what the head says, unless the lease is over, given up, or its own', () => {
    const one = outlook()
    one.own('mine', now + 60_000, now)
    for (const [by, until, state] of [
      ['other', now + 500, 'following'],
      ['other', now, 'committing'],
      ['other', 0, 'committing'],
      ['mine', now + 500, 'leading'],
    ] as const) {
      one.read(withLease(by, until), now)
      expect([by, until, one.next(now)]).toEqual([by, until, state])
    }
  })

  it('is over in time where the clock of a dead leader was ahead', () => {
    const one = outlook()
    one.read(withLease('dead', now + 3_600_000), now)
    expect(one.next(now)).toBe('following')
    one.read(withLease('dead', now + 3_600_000), now + one.leaseMs(50))
    expect(one.next(now + one.leaseMs(50))).toBe('committing')
  })

  it('lives on with what it serves', () => {
    const one = outlook()
    one.read(withLease('other', now + 500), now)
    one.take()
    one.served(now + 900)
    expect(one.next(now + 1_800)).toBe('following')
    expect(one.next(now + 1_900)).toBe('submitting')
  })

  it('forgets the names of its old submissions', () => {
    const one = outlook()
    for (let i = 0; i < 10_000; i++) one.own(`submission ${i}`, i + 100, i)
    expect([9_999, 9_950, 9_000].map((i) => one.isOwn(`submission ${i}`))).toEqual([true, true, false])
  })

  it('keeps no head that takes no entries', () => {
    const one = outlook()
    one.read({ ...head, state: 'frozen' }, now)
    expect(one.take()).toBeUndefined()
    expect(one.next(now)).toBe('reading')
  })
})

describe('the diagram in the docs', () => {
  const docs = readFileSync(new URL('../../../docs/contended-processes.md', import.meta.url), 'utf8')
  const drawn = new Set(
    [...docs.matchAll(/^ {2}(\S+) --> ([^\s:]+)/gm)].map(([, from = '', to = '']) => `${from} ${to}`.toLowerCase()),
  )
  const idle = '[*]'
  afterEach(() => vi.restoreAllMocks())

  it('shows every step of instances, and none that they never take', { timeout: 300_000 }, async () => {
    const taken = new Set<string>()
    const last = new WeakMap<Outlook, State>()
    const original = Outlook.prototype.next
    vi.spyOn(Outlook.prototype, 'next').mockImplementation(function (this: Outlook, time) {
      const state = original.call(this, time)
      taken.add(`${last.get(this) ?? idle} ${state}`)
      last.set(this, state)
      return state
    })
    for (const writers of [1, 3, 8]) await load({ writers: [writers], length: 3_000, warmUp: 0 })
    for (let seed = 1; seed <= 40; seed++) await chaos(seed)
    // A step from one state to the next may have been taken while the instance had nothing to do.
    const isDrawn = (step: string) => {
      const [from, to] = step.split(' ')
      return drawn.has(step) || (drawn.has(`${from} ${idle}`) && drawn.has(`${idle} ${to}`))
    }
    expect([...taken].filter((step) => !isDrawn(step))).toEqual([])
    const within = [...drawn].filter((step) => !step.includes(idle))
    expect(within.filter((step) => !taken.has(step))).toEqual([])
  })
})
