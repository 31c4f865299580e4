/** An S3 server on a thread of its own, so that what it does is not taken for the unit's work. */
import { parentPort } from 'node:worker_threads'
import { startS3 } from '../local/s3.ts'

const { url, variables } = await startS3()
parentPort?.postMessage({ url, variables })
