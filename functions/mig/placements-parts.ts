/** The router's one-off invocation from configuration; an operator's command uses the same. */
import { systemClock as clock } from '../../core/ports/clock.ts'
import { openRustRouter } from '../../db/rust/placement-source.ts'
import type { MigPlacementsConfig } from '../config/functions.ts'
import { openPlacements } from '../wiring/placements.ts'
import type { PlacementsParts } from './placements.ts'

export const createPlacementsParts = ({ placements, units }: MigPlacementsConfig): PlacementsParts => ({
  store: openPlacements(placements),
  listed: new Set(units.map(({ url }) => url)),
  open: (address) => openRustRouter({ address }),
  clock,
})
