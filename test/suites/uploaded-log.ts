/** What everything does that tells of a log's uploads, fake or real (core/ports/restore-sources.ts). */
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { DataItem } from '../../core/ans104/data-item.ts'
import type { Signer } from '../../core/ans104/signer.ts'
import type { Nonce } from '../../core/ports/log-restore.ts'
import type { BodySource, SignedSource, UploadIndex } from '../../core/ports/restore-sources.ts'
import { assignmentTags } from '../../core/protocol/assignment.ts'
import { ethereumItem, signedMessage } from '../core/schedule/items.ts'

export interface UploadedLogUnderTest {
  log: SignedSource & BodySource & UploadIndex
  /** Whose log it is. */
  signer: Signer
  /** Hands an item over to the bundler. */
  upload(item: Pick<DataItem, 'id' | 'raw'>): Promise<void>
}

const randomId = () => randomBytes(32).toString('base64url')

export const assignmentOf = (signer: Signer, process: string, nonce: number): Promise<DataItem> =>
  signer.sign({
    anchor: randomBytes(32),
    tags: assignmentTags({
      process,
      epoch: 0,
      nonce,
      hashChain: randomBytes(32),
      blockHeight: 1_800_000,
      timestamp: 1_700_000_000_000 + nonce,
      message: randomId(),
      exclude: nonce % 2 === 0 ? [] : ['a', 'ü'],
    }),
  })

export async function nonces(pages: AsyncIterable<readonly Nonce[]>, process: string): Promise<number[]> {
  const found: number[] = []
  for await (const page of pages) {
    found.push(...page.filter((one) => one.process === process).map(({ nonce }) => nonce))
  }
  return found.sort((a, b) => a - b)
}

export function uploadedLogSuite(name: string, open: () => UploadedLogUnderTest): void {
  describe(`${name}, as what tells of uploads`, () => {
    it('finds every assignment, and gives it as it was signed', async () => {
      const { log, signer, upload } = open()
      const [process, other] = [randomId(), randomId()]
      const all: DataItem[] = []
      for (let nonce = 0; nonce < 230; nonce++) {
        const assignment = await assignmentOf(signer, process, nonce)
        all.push(assignment)
        await upload(assignment)
      }
      await upload(await assignmentOf(signer, other, 7))
      expect(await nonces(log.since(0), process)).toEqual(all.map((_, nonce) => nonce))
      expect(await nonces(log.since(0), other)).toEqual([7])
      const wanted = [3, 4, 229, 500]
      const found = await log.assignments(process, wanted)
      expect(found.toSorted((a, b) => a.nonce - b.nonce)).toEqual(
        wanted.flatMap((nonce) => {
          const raw = all[nonce]?.raw
          return raw ? [{ nonce, raw }] : []
        }),
      )
      expect(await log.assignments(process, [500])).toEqual([])
      expect(await log.assignments(randomId(), [0])).toEqual([])
    })

    it('tells of both where a nonce was signed twice', async () => {
      const { log, signer, upload } = open()
      const process = randomId()
      const twins = [await assignmentOf(signer, process, 3), await assignmentOf(signer, process, 3)]
      for (const twin of twins) await upload(twin)
      const found = await log.assignments(process, [3])
      expect(found.map(({ raw }) => raw?.toString('hex')).sort()).toEqual(
        twins.map(({ raw }) => raw.toString('hex')).sort(),
      )
    })

    it('gives items as they came, whoever signed them', async () => {
      const { log, signer, upload } = open()
      const target = randomBytes(32)
      const empty = await signer.sign({ tags: [] })
      const large = await signer.sign({ target, tags: [{ name: 'a', value: 'ü' }], data: randomBytes(300_000) })
      const ethereum = await ethereumItem({ tags: { Type: 'Message' }, data: 'from Ethereum' })
      const items = [empty, large, ethereum, await signedMessage({ data: 'a message', anchor: randomBytes(32) })]
      for (const item of items) await upload(item)
      for (const { id, raw } of items) {
        const found = await log.bodies(id)
        expect(found.some((body) => body.equals(raw))).toBe(true)
      }
      expect(await log.bodies(randomId())).toEqual([])
    })

    it('knows which ids are there', async () => {
      const { log, signer, upload } = open()
      const ids: string[] = []
      for (let n = 0; n < 120; n++) {
        const item = await signer.sign({ tags: [], data: randomBytes(4) })
        ids.push(item.id)
        await upload(item)
      }
      const unknown = [randomId(), randomId()]
      expect(await log.uploaded([...unknown, ...ids])).toEqual(new Set(ids))
      expect(await log.uploaded([])).toEqual(new Set())
    })
  })
}
