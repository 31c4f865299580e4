/** EventBridge's patterns as event source mappings have them, as far as infra/functions.ts uses them. */
import type { FilterPattern } from '../../infra/functions.ts'

/** True when every leaf of the pattern lists the value that is there. */
export const matches = (pattern: FilterPattern, value: unknown): boolean =>
  Object.entries(pattern).every(([name, wanted]) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return false
    const found: unknown = Reflect.get(value, name)
    if (isLeaf(wanted)) return typeof found === 'string' && wanted.includes(found)
    return matches(wanted, found)
  })

const isLeaf = (pattern: FilterPattern | readonly string[]): pattern is readonly string[] => Array.isArray(pattern)
