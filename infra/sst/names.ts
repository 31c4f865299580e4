/**
 * Names. Logical ones hold the region, since all regions are one deployment. Physical ones are SST's (app, stage, logical name, some
 * characters by chance); for what SST has no component for they are made here, of the same parts.
 */
import type { Region } from '../stage.ts'

/** `us-east-1` as a part of a logical name: `UsEast1`. */
export const suffixOf = (region: Region): string => region.split('-').map(capital).join('')

/** `relay-age` → `RelayAge`. */
export const logicalOf = (name: string): string => name.split('-').map(capital).join('')

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** `ao-su-prod-relay-age-us-east-1`. Fails where that is longer than AWS takes: a shorter name of the stage is the way out. */
export function physicalOf(name: string, max: number): string {
  const full = `${$app.name}-${$app.stage}-${name}`
  if (full.length <= max) return full
  throw new Error(`"${full}" is longer than the ${max} characters that AWS takes: give the stage a shorter name.`)
}
