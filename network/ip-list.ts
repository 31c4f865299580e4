/** Addresses of callers, compared as addresses: one and the same may be written in several ways. */
import { BlockList, isIP } from 'node:net'
import * as v from 'valibot'

/** What judges an address: whether it is on the list. */
export type AddressJudge = (address: string) => boolean

/** A JSON array of addresses. What is no address in it lets nobody in, and does not shut out the others. */
export const ipList = v.pipe(
  v.array(v.string()),
  v.transform((addresses): AddressJudge => {
    const listed = new BlockList()
    for (const text of addresses) {
      const address = text.trim()
      const family = familyOf(address)
      if (family) listed.addAddress(address, family)
    }
    return (address) => {
      const family = familyOf(address)
      return family !== undefined && listed.check(address, family)
    }
  }),
)

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
