/** Logical names as infra/sst makes them. */
export const logicalNameOf = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
export const suffixOf = (region: string): string => region.split('-').map(logicalNameOf).join('')
