/** The unit's wallet, where none is given: made once, kept with the data. */
import { createHash, generateKeyPair } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** Makes an RSA key of 4096 bits (e = 65537), which takes seconds, unless the file is there. Only its owner may read it. */
export const ensureWallet = async (file: string): Promise<void> => {
  if (existsSync(file)) return
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 4096, publicExponent: 65537 })
  const unfinished = `${file}.new`
  writeFileSync(unfinished, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 })
  renameSync(unfinished, file)
}

/** The wallet's address. Undefined where the JSON is no wallet, which the functions say better. */
export const addressOf = (wallet: string): string | undefined => {
  try {
    const { n } = JSON.parse(wallet)
    return createHash('sha256').update(Buffer.from(n, 'base64url')).digest('base64url')
  } catch {
    return undefined
  }
}

export const readWallet = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
