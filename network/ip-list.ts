/** Addresses of callers, compared as addresses: the same one may be written in several ways. */
import { BlockList, isIP } from 'node:net'
import * as v from 'valibot'

/** What judges an address, and the entries of the list that it could not read. */
export interface AddressList {
  allows(address: string): boolean
  notUnderstood: readonly string[]
}

/**
 * A JSON array of addresses and CIDR ranges, IPv6 with or without brackets. An entry that is neither lets no caller in, and does not
 * shut out the others.
 */
export const ipList = v.pipe(
  v.array(v.string()),
  v.transform((entries): AddressList => {
    const listed = new BlockList()
    const notUnderstood = entries.filter((entry) => !add(listed, entry.trim()))
    return {
      allows: (address) => {
        const family = familyOf(address)
        return family !== undefined && listed.check(address, family)
      },
      notUnderstood,
    }
  }),
)

/** Whether the entry is an address or a range: `192.0.2.0/24`, `2001:db8::/32`, `[2001:db8::1]`, `[2001:db8::]/32`. */
function add(list: BlockList, entry: string): boolean {
  const [, bracketed, bare = bracketed, bits] = /^(?:\[([\da-f:.]+)\]|([\da-f:.]+))(?:\/(\d{1,3}))?$/i.exec(entry) ?? []
  const family = bare === undefined ? undefined : familyOf(bare)
  if (bare === undefined || family === undefined || (bracketed !== undefined && family === 'ipv4')) return false
  if (bits === undefined) {
    list.addAddress(bare, family)
    return true
  }
  if (Number(bits) > (family === 'ipv4' ? 32 : 128)) return false
  list.addSubnet(bare, Number(bits), family)
  return true
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
