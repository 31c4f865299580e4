/** The stand-in's block chain: a height that rises with time, also over restarts, and blocks made up from their heights. */
import { createHash } from 'node:crypto'

export interface Block {
  id: string
  height: number
  /** s */
  timestamp: number
  previous: string
}

export interface Chain {
  height(): number
  /** Jumps forward (or back, which a test may want to see survived). */
  setHeight(height: number): void
  block(height: number): Block
}

/** The height at which the stand-in's chain begins: the messenger unit pushes only from 1,580,000 on. */
export const firstHeight = 1_800_000

/** @param genesis when the chain began, ms; @param blockMs time between blocks, ms, Infinity for a chain that stands still */
export const openChain = (genesis: number, blockMs: number, height = firstHeight): Chain => {
  let base = height
  const idOf = (at: number): string => createHash('sha384').update(`block ${at}`).digest('base64url')
  const mined = (): number => Math.floor((Date.now() - genesis) / blockMs)
  return {
    height: () => base + mined(),
    setHeight(wanted) {
      base = wanted - mined()
    },
    block: (at) => ({
      id: idOf(at),
      height: at,
      timestamp:
        Math.floor(genesis / 1000) + Math.floor(Number.isFinite(blockMs) ? ((at - base) * blockMs) / 1000 : at - base),
      previous: idOf(at - 1),
    }),
  }
}
