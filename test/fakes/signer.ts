/** A signer whose signatures are quick and no two alike, for tests in which a real one only takes time. */
import { createHash } from 'node:crypto'
import { assembleDataItem } from '../../core/ans104/assemble.ts'
import { ownerAddress, parseDataItem } from '../../core/ans104/data-item.ts'
import type { Signer } from '../../core/ans104/signer.ts'

export function createFakeSigner(name = 'unit'): Signer & { made: number } {
  const bytes = (text: string) =>
    Buffer.concat(Array.from({ length: 16 }, (_, i) => createHash('sha256').update(`${text}/${i}`).digest()))
  const owner = bytes(name)
  const signer = {
    owner,
    address: ownerAddress(owner),
    made: 0,
    async sign(item: Parameters<Signer['sign']>[0]) {
      signer.made++
      const signature = bytes(`${name} ${signer.made}`)
      return parseDataItem(assembleDataItem({ signatureType: 1, signature, owner, ...item }))
    },
  }
  return signer
}
