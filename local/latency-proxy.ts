/** Puts AWS's latencies in front of a local service, for measurements: here its answers come faster than they will there. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type LocalProxy, startProxy } from './proxy.ts'

/** One call in a hundred takes three times as long; the others vary by a fifth. */
export const latencyOf = (ms: number, chance: number, jitter: number): number =>
  chance < 0.01 ? ms * 3 : ms * (0.9 + jitter / 5)

/** Resolves after a delay around `ms`. */
export const waitAbout = (ms: number): Promise<void> => sleep(latencyOf(ms, Math.random(), Math.random()))

/** Passes each call on after a delay around `ms`. */
export const startLatencyProxy = (target: string, ms: number): Promise<LocalProxy> =>
  startProxy(target, { before: () => waitAbout(ms) })
