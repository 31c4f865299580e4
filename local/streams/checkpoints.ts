/** How far each shard has been dealt with, kept over restarts: nothing is lost, and little comes twice. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

export interface Checkpoints {
  /** The sequence number of the last record of the shard up to which all are dealt with. */
  get(shardId: string): string | undefined
  set(shardId: string, sequenceNumber: string): void
  /** Forgets all shards but these: the others are gone from the stream. */
  keepOnly(shardIds: readonly string[]): void
  flush(): void
}

/** How long a checkpoint may wait for its file, ms: as much comes again after a kill. */
const delayMs = 250

/** @param file none: in memory, so that a start begins at the oldest record of the stream */
export const openCheckpoints = (file: string | undefined): Checkpoints => {
  const at = new Map<string, string>(Object.entries(file === undefined ? {} : read(file)))
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (file === undefined) return
    writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(at)))
    renameSync(`${file}.new`, file)
  }
  const changed = (): void => {
    timer ??= setTimeout(flush, delayMs)
  }
  return {
    get: (shardId) => at.get(shardId),
    set(shardId, sequenceNumber) {
      at.set(shardId, sequenceNumber)
      changed()
    },
    keepOnly(shardIds) {
      const gone = [...at.keys()].filter((shardId) => !shardIds.includes(shardId))
      for (const shardId of gone) at.delete(shardId)
      if (gone.length > 0) changed()
    },
    flush,
  }
}

const read = (file: string): Record<string, string> => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    // None yet. What a checkpoint is missing only comes again.
    return {}
  }
}
