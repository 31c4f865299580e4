/** Which sinks there are, and which function does them. */
import type { Sink } from '../../core/ports/relay-store.ts'
import type { RelayConfig } from '../config/functions.ts'

type Postgres = Pick<RelayConfig['postgres'], 'url'>

/** The relay's. Without Postgres metadata waits: its watermark stands, and moves from there once there is one. */
export const relaySinks = ({ url }: Postgres): Sink[] => (url === undefined ? ['upload'] : ['metadata', 'upload'])

/** The packer's: packing needs memory that the relay would pay for while it waits for the bundler. */
export const packerSinks: readonly Sink[] = ['segments']

export const allSinks = (postgres: Postgres): Sink[] => [...relaySinks(postgres), ...packerSinks]
