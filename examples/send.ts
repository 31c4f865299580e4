/**
 * A first client: signs a process or a message with arbundles, as ao clients do, and posts it.
 *
 *   npm run -s send -- process 'print("hello")'
 *   npm run -s send -- message PROCESS 'some data' Action=Eval
 *
 * URL is the scheduler unit, or the router in front of several (the local stack at PORT, 9000 unless set); WALLET a JWK file, made if it is not there.
 */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { ArweaveSigner, createData } from 'arbundles'

const url = process.env.URL ?? `http://127.0.0.1:${process.env.PORT ?? 9000}`
const walletFile = process.env.WALLET ?? '.local/client-wallet.json'

const [what, ...rest] = process.argv.slice(2)
const target = what === 'message' ? rest.shift() : undefined
const [data = '', ...more] = rest
if ((what !== 'process' && what !== 'message') || (what === 'message' && !target)) {
  console.error("usage: node examples/send.ts process 'data' [Tag=value …] | message PROCESS 'data' [Tag=value …]")
  process.exit(2)
}

if (!existsSync(walletFile)) {
  mkdirSync(dirname(walletFile), { recursive: true })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  writeFileSync(walletFile, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 })
}
const signer = new ArweaveSigner(JSON.parse(readFileSync(walletFile, 'utf8')))

// A router has no wallet to name. Clients of a public one know its scheduler's address; here any will do.
const { address = 'x'.repeat(43) } = (await (await fetch(url)).json()) as { address?: string }
const ao = { 'Data-Protocol': 'ao', Variant: 'ao.TN.1' }
const own =
  what === 'process' ? { ...ao, Type: 'Process', Module: address, Scheduler: address } : { ...ao, Type: 'Message' }
const tags = Object.entries(own).map(([name, value]) => ({ name, value }))
for (const tag of more) {
  const [name = '', value = ''] = tag.split('=', 2)
  tags.push({ name, value })
}
const item = createData(data, signer, { tags, ...(target && { target }) })
await item.sign(signer)
const answer = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream' },
  body: new Uint8Array(item.getRaw()),
})
const body = await answer.text()
if (!answer.ok) {
  console.error(answer.status, body)
  process.exit(1)
}
console.log(JSON.parse(body).id)
