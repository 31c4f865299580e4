/** Regions as the components want them: how names end there, and whose provider makes things there. */
import type { Region } from '../stage.ts'
import { suffixOf } from './names.ts'

export interface Place {
  region: Region
  /** Ends each logical name. */
  suffix: string
  /** For every resource of that region. */
  options: { provider?: aws.Provider }
}

/** Where certificates, firewalls and metrics of CloudFront are. */
const EDGE: Region = 'us-east-1'

export interface Places {
  home: Place
  of(region: Region): Place
  edge: Place
}

/** @param home the region of SST's own provider */
export function createPlaces(home: Region): Places {
  const known = new Map<Region, Place>([[home, { region: home, suffix: suffixOf(home), options: {} }]])
  const of = (region: Region): Place => {
    const place = known.get(region) ?? { region, suffix: suffixOf(region), options: { provider: providerOf(region) } }
    known.set(region, place)
    return place
  }
  return { home: of(home), of, edge: of(EDGE) }
}

/** With the tags that SST gives the home region's. */
const providerOf = (region: Region) =>
  new aws.Provider(`Aws${suffixOf(region)}`, {
    region: region as aws.Region,
    defaultTags: { tags: { 'sst:app': $app.name, 'sst:stage': $app.stage } },
  })
