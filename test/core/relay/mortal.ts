/** A relay that is killed: from a certain call of a port on, it reaches nothing and nobody any more. */
import type { RelayDeps } from '../../../core/relay/deps.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'

type Packing = Parameters<typeof createSegmentBuilder>[0]

/** Calls that are left, and whether the last one still happens, its answer unheard. */
export interface Life {
  calls: number
  lastHappens: boolean
}

class Killed extends Error {}

/** The same dependencies; each call of one of their ports costs a life one call. */
export function mortal(deps: RelayDeps, packing: Packing, life: Life): RelayDeps {
  const call = async <T>(run: () => T | Promise<T>): Promise<T> => {
    if (life.calls-- > 0) return run()
    if (life.calls === -1 && life.lastHappens) await run()
    throw new Killed('killed')
  }
  const { objects, indexes } = packing
  const segments = createSegmentBuilder({
    ...packing,
    records: { records: (process, from, to) => call(() => packing.records.records(process, from, to)) },
    blobs: { get: (ref) => call(() => packing.blobs.get(ref)) },
    objects: { put: (...put) => call(() => objects.put(...put)), read: (...read) => call(() => objects.read(...read)) },
    indexes: {
      put: (...put) => call(() => indexes.put(...put)),
      get: (...get) => call(() => indexes.get(...get)),
      remove: (...remove) => call(() => indexes.remove(...remove)),
    },
  })
  const { records, blobs, store, pace, cache, index } = deps
  return {
    ...deps,
    segments,
    records: { records: (process, from, to) => call(() => records.records(process, from, to)) },
    blobs: { get: (ref) => call(() => blobs.get(ref)) },
    pace: { ...pace, upload: (...upload) => call(() => pace.upload(...upload)) },
    cache: { offer: (id, raw) => call(() => cache?.offer(id, raw) ?? false) },
    index: { index: (rows) => call(() => index.index(rows)) },
    store: {
      progress: (process) => call(() => store.progress(process)),
      advance: (...move) => call(() => store.advance(...move)),
      noteTrouble: (...trouble) => call(() => store.noteTrouble(...trouble)),
      wake: (process) => call(() => store.wake(process)),
      owe: (parts) => call(() => store.owe(parts)),
      settle: (part) => call(() => store.settle(part)),
      mark: (...mark) => call(() => store.mark(...mark)),
      remark: (...mark) => call(() => store.remark(...mark)),
      slice: () => call(() => store.slice()),
      scan: () => store.scan(),
      owed: (process) => store.owed(process),
      markers: () => store.markers(),
    },
  }
}
