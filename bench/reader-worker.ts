/**
 * A client that reads and verifies, on a thread of its own: on a machine of its own it verifies one page while the next one comes,
 * which in the thread of Lambda's stand-in it could not.
 */
import { once } from 'node:events'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { type Reading, readHistory, type Verified } from './history-reader.ts'
import { Client } from './load.ts'

interface Task extends Reading {
  url: string
}

export interface ReadThrough extends Verified {
  /** Of the second time: the first one warms the client up. */
  perSecond: number
}

/** Reads all of it twice. Fails where what comes does not verify. */
export async function readThrough(task: Task): Promise<ReadThrough> {
  const worker = new Worker(new URL(import.meta.url), { workerData: task })
  try {
    const [read] = (await once(worker, 'message')) as [ReadThrough]
    return read
  } finally {
    await worker.terminate()
  }
}

if (parentPort) {
  const { url, ...reading }: Task = workerData
  const client = new Client(url)
  await readHistory(client, reading)
  const begin = performance.now()
  const verified = await readHistory(client, reading)
  const perSecond = (verified.records * 1000) / (performance.now() - begin)
  parentPort.postMessage({ ...verified, perSecond } satisfies ReadThrough)
  client.close()
}
