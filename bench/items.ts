/** Signed items to send, made before the clock runs: a client's signature costs as much as the unit's own. */
import { generateKeyPairSync } from 'node:crypto'
import { createSigner, type Signer } from '../core/ans104/signer.ts'

export interface Post {
  id: string
  raw: Buffer
}

export function makeWallet(): Signer {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  return createSigner(privateKey.export({ format: 'jwk' }))
}

const ao = (type: string) => [
  { name: 'Data-Protocol', value: 'ao' },
  { name: 'Variant', value: 'ao.TN.1' },
  { name: 'Type', value: type },
]

export async function makeProcess(wallet: Signer): Promise<Post> {
  const names = ['Module', 'Scheduler'].map((name) => ({ name, value: wallet.address }))
  return wallet.sign({ tags: [...ao('Process'), ...names], data: Buffer.from(`process ${Math.random()}`) })
}

/** @param bytes of data */
export function makeMessages(wallet: Signer, process: string, count: number, bytes: number): Promise<Post[]> {
  const target = Buffer.from(process, 'base64url')
  const data = Buffer.alloc(bytes, 'x')
  const tags = [...ao('Message'), { name: 'Action', value: 'Bench' }]
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      wallet.sign({ target, tags: [...tags, { name: 'Reference', value: String(i) }], data }),
    ),
  )
}
