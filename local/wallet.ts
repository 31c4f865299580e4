/** The unit's wallet, if none is given: made once and kept with the data. */
import { createHash, generateKeyPair } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { ownWallet } from './environment.ts'
import { type StackLog, timed } from './log.ts'
import type { StackOptions } from './options.ts'

/** Makes the stack's own wallet, where it has none yet and none is given. */
export const ensureOwnWallet = async (options: StackOptions, log: StackLog): Promise<void> => {
  const file = ownWallet(options)
  if (file !== undefined && !existsSync(file)) await timed(log, 'A new wallet', makeWallet(file))
}

/** An RSA key of 4096 bits (e = 65537), which takes seconds. Only its owner may read the file. */
const makeWallet = async (file: string): Promise<void> => {
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
