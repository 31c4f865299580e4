/** What goes wrong between an instance and the store. */
import { SchedulerError } from '../../../../core/errors.ts'
import type { Environment } from './environment.ts'

export type Fate = 'fine' | 'request lost' | 'answer lost' | 'late' | 'throttled'

export interface Faults {
  /** What happens to one call. */
  call(): Fate
  /** Which of a submission's two rows, name and body, are written. */
  rows(): [name: boolean, body: boolean]
  forgetsTokens(): boolean
  /** How a call ends that nobody answers: after a while, as `unavailable`. */
  timeout(environment: Environment): Promise<never>
}

const timeout = async (environment: Environment): Promise<never> => {
  await environment.sleep(200 * environment.random())
  throw new SchedulerError('unavailable', 'injected')
}

export const noFaults: Faults = {
  call: () => 'fine',
  rows: () => [true, true],
  forgetsTokens: () => false,
  timeout,
}

/** Of `share` of the calls something becomes, until `isOver`. */
export const someFaults = (random: () => number, share: number, isOver: () => boolean): Faults => ({
  call() {
    if (isOver() || random() >= share) return 'fine'
    const chance = random()
    if (chance < 0.3) return 'request lost'
    if (chance < 0.6) return 'answer lost'
    if (chance < 0.8) return 'late'
    return 'throttled'
  },
  rows() {
    if (isOver() || random() >= share) return [true, true]
    return random() < 0.5 ? [true, false] : [false, true]
  },
  forgetsTokens: () => share > 0 && random() < 0.5,
  timeout,
})
