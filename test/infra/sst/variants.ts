/** The resource graphs that the tests look at. */
import { join } from 'node:path'

const settings = (name: string): string => join(import.meta.dirname, 'settings', name)

/** The stage of each, and the file of its settings: the repository's own if none is named. */
export const variants = {
  /** As the repository comes. */
  prod: { stage: 'prod' },
  personal: { stage: 'alice' },
  personalDev: { stage: 'alice', dev: true },
  /** Two regions and a router. */
  regions: { stage: 'prod', settings: settings('two-regions.ts') },
  regionsAgain: { stage: 'prod', settings: settings('two-regions.ts') },
  personalRegions: { stage: 'alice', settings: settings('two-regions.ts') },
  devRegions: { stage: 'alice', dev: true, settings: settings('two-regions.ts') },
  /** Managed instances. */
  elsewhere: { stage: 'prod', settings: settings('elsewhere.ts') },
  /** Tables from a backup; kept, and removable now. */
  restored: { stage: 'prod', settings: settings('restored.ts') },
} as const satisfies Record<string, { stage: string; dev?: boolean; settings?: string }>

export type Variant = keyof typeof variants
