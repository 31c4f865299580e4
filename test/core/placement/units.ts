/** Units and ids for tests of placements. */
import { hash } from 'node:crypto'
import type { UnitSettings } from '../../../core/placement/units.ts'

export const unit = (url: string, more: Partial<UnitSettings> = {}): UnitSettings => ({
  url,
  routed: true,
  wallets: new Set(),
  walletsOnly: false,
  ...more,
})

export const unitUrl = (name: string | number): string => `https://su-${name}.example.com`

/** So many units that take everything. */
export const openUnits = (n: number): UnitSettings[] => Array.from({ length: n }, (_, i) => unit(unitUrl(i)))

/** The same id for the same name. */
export const idOf = (name: string | number): string => hash('sha256', `${name}`, 'base64url')

export const owner = idOf('some wallet')
