/** The real sst command, with stand-ins for AWS and for Pulumi's: it takes sst.config.ts, the secrets, and the bundles as they are. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { extractPlatform } from '../../../../infra/sst/platform/extract.ts'
import { readStageOutputs } from '../../../../operator/stage-outputs.ts'
import wallets from '../../../data/conformance/wallets.json' with { type: 'json' }
import { root } from '../cli.ts'
import { type AwsStandIn, startAws } from './aws.ts'
import { type Checkout, openCheckout } from './checkout.ts'

const SECOND = 1000
const DATABASE = 'postgresql://su:hush@db.example/su'

/** What README says that deploys the system. */
function readmeLines(): string[] {
  const [, section = ''] = readFileSync(join(root, 'README.md'), 'utf8').split('## Deploy it')
  const [, block = ''] = section.split(/```(?:sh)?\n/)
  return block.split('\n').filter((line) => line.startsWith('npx sst'))
}

describe('the sst command', () => {
  let aws: AwsStandIn
  let checkout: Checkout
  const sst = (line: string, input?: string) => checkout.sst([...line.split(' '), '--stage', 'prod'], input)
  beforeAll(async () => {
    await extractPlatform()
    aws = await startAws()
    checkout = openCheckout(aws.url)
  }, 600 * SECOND)
  afterAll(async () => {
    checkout.remove()
    await aws.stop()
  })

  it('says which secret is missing, and how to set it', { timeout: 450 * SECOND }, async () => {
    const { code, text } = await sst('deploy')
    expect(code).not.toBe(0)
    expect(text).toMatch(/Set a value for (SuWallet|DatabaseUrlUsEast1) with `sst secret set/)
  })

  it('takes the secrets as README sets them, the wallet from a file', { timeout: 450 * SECOND }, async () => {
    const lines = readmeLines()
    expect(lines.pop()).toBe('npx sst deploy --stage prod')
    for (const line of lines) {
      const [, command = '', file] = /^npx sst (.+?)(?: < (\S+))?$/.exec(line) ?? []
      const words = command.replace('postgres://…', DATABASE).replaceAll("'", '').split(' ')
      expect(await checkout.sst(words, file && JSON.stringify(wallets.su)), line).toMatchObject({ code: 0 })
    }
    for (const object of aws.objects.values()) expect(object.includes('hush')).toBe(false)
  })

  it('shows what a deploy would make', { timeout: 450 * SECOND }, async () => {
    const { code, text } = await sst('diff')
    expect(code, text).toBe(0)
    // Nothing was deployed.
    expect(existsSync(join(checkout.dir, '.sst/outputs.prod.json'))).toBe(false)
    for (const made of [
      'HeadsUsEast1Table',
      'ItemsUsEast1Bucket',
      'SuUsEast1Function',
      'RelayStreamUsEast1',
      'SuCdnUsEast1Distribution',
    ]) {
      expect(text).toContain(`+  ${made}`)
    }
  })

  it('deploys: what infra/build.ts built, and the migrations beside what brings the database up to date', {
    timeout: 450 * SECOND,
  }, async () => {
    const { code, text } = await sst('deploy')
    expect(code, text).toBe(0)
    expect(text).toContain('Alarms: they reach no one.')
    const packed = (name: string): Buffer => readFileSync(join(checkout.dir, `.sst/artifacts/${name}/code.zip`))
    for (const name of ['Su', 'Relay', 'Packer', 'Reconciler', 'Height', 'Migrate']) {
      const zip = packed(`${name}UsEast1`)
      for (const file of ['index.mjs', 'index.mjs.map']) expect(zip.includes(file), `${name} ${file}`).toBe(true)
    }
    expect(packed('MigrateUsEast1').includes('migrations/meta/_journal.json')).toBe(true)
    expect(existsSync(join(checkout.dir, '.sst/bundles/prod/su/index.mjs'))).toBe(true)
  })

  it('leaves what the operator’s commands read, and no secret in it', () => {
    const dir = join(checkout.dir, '.sst')
    const { url, units } = readStageOutputs('prod', dir)
    expect(url).toMatch(/^https:/)
    expect(units['us-east-1']).toMatchObject({
      AWS_REGION: 'us-east-1',
      HEADS_TABLE: expect.stringMatching(/^ao-su-prod-/),
    })
    expect(readFileSync(join(dir, 'outputs.prod.json'), 'utf8')).not.toMatch(/hush|SU_WALLET|SECRET/)
  })

  it('leaves it whatever is run next: another stage, or a run that fails', { timeout: 450 * SECOND }, async () => {
    const { code, text } = await checkout.sst(['deploy', '--stage', 'other'])
    expect(code, text).not.toBe(0)
    expect(readFileSync(join(checkout.dir, '.sst/outputs.json'), 'utf8')).not.toContain('HEADS_TABLE')
    expect(readStageOutputs('prod', join(checkout.dir, '.sst')).units['us-east-1']).toBeDefined()
  })

  it('does not remove prod', { timeout: 450 * SECOND }, async () => {
    const { code, text } = await sst('remove')
    expect(code).not.toBe(0)
    expect(text).toContain('Cannot remove protected stage')
  })
})
