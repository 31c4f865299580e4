/** What is done after a commit. */
import type { Effect } from '../../core/ports/relay-store.ts'
import type { SweeperConfig } from '../config/functions.ts'

/** Without Postgres metadata waits: its watermark stands, and moves from there once there is one. */
export const effectsOf = ({ url }: Pick<SweeperConfig['postgres'], 'url'>): Effect[] =>
  url === undefined ? ['upload', 'segments'] : ['metadata', 'upload', 'segments']
