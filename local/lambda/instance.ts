/**
 * One instance of a function: a process with AWS's own runtime client and the bundle in it, and the runtime API through which that
 * client asks for events and answers them.
 */
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { handlerOf } from '../../infra/build.ts'
import { portOf } from '../free-port.ts'
import type { Keeper } from '../processes/keeper.ts'
import { failed, type Invocation } from './invocation.ts'

export interface InstanceOptions {
  name: string
  /** The folder of the bundle. */
  bundle: string
  /** MB */
  memory: number
  /** s */
  timeout: number
  /** Requests at once. */
  concurrency: number
  /** Stops the process between two requests, as Lambda does. Only with one request at once. */
  freeze: boolean
  environment: Record<string, string>
  keeper: Keeper
  onLine(line: string): void
  /** It may take work (again), or has died. */
  onChange(): void
}

/** How long an instance may take until it asks for its first event, ms. (10 s on AWS, which starts fewer of them on a core.) */
const initialisationMs = 30_000

/** AWS's own, in a package of its own: it is installed without its compiled part. */
export const runtimeClient = fileURLToPath(
  new URL('../runtime-client/node_modules/aws-lambda-ric/index.mjs', import.meta.url),
)
const nativeClient = new URL('./native-client.ts', import.meta.url).href

/** As AWS's runtime starts Node (that of Node 18 at least). Given so, NODE_OPTIONS cannot change it. */
const heapOf = (memory: number): string[] => [
  '--expose-gc',
  `--max-semi-space-size=${Math.floor(memory / 20)}`,
  `--max-old-space-size=${Math.floor(memory * 0.9)}`,
]

interface Running {
  invocation: Invocation
  timer: NodeJS.Timeout
}

export class Instance {
  readonly id = randomUUID().slice(0, 8)
  /** Settled when it has asked for its first event; fails with the reason when it never does. */
  readonly ready: Promise<void>
  readonly #options: InstanceOptions
  readonly #server: Server
  readonly #readiness = Promise.withResolvers<void>()
  /** Requests for an event that have not been answered: the runtime has room for as many. */
  readonly #polls: ServerResponse[] = []
  readonly #running = new Map<string, Running>()
  #process: ChildProcess | undefined
  #initialisation: NodeJS.Timeout | undefined
  #state: 'starting' | 'serving' | 'retiring' | 'dead' = 'starting'
  #frozen = false
  #startFailure: string | undefined

  constructor(options: InstanceOptions) {
    this.#options = options
    this.ready = this.#readiness.promise
    // Whoever waits for it hears of a failure; nobody need wait.
    this.ready.catch(() => {})
    this.#server = createServer((request, response) => this.#answer(request, response))
    // The runtime client keeps its connection as long as it lives.
    this.#server.keepAliveTimeout = 0
    this.#server.requestTimeout = 0
    this.#server.listen(0, '127.0.0.1', () => this.#start())
    this.#server.once('error', (error) => this.#die('Runtime.StartFailed', error.message))
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  get active(): number {
    return this.#running.size
  }

  get alive(): boolean {
    return this.#state !== 'dead'
  }

  /** Why it died before it was ready, if it did. */
  get startFailure(): string | undefined {
    return this.#startFailure
  }

  get starting(): boolean {
    return this.#state === 'starting'
  }

  /** Whether it can take a request at once. */
  get free(): boolean {
    return this.#state === 'serving' && this.#polls.length > 0 && this.#running.size < this.#options.concurrency
  }

  /** Only while it is `free`. */
  run(invocation: Invocation): void {
    const poll = this.#polls.shift()
    if (!poll) throw new Error('An event was given to an instance that asked for none')
    const { name, timeout } = this.#options
    const timer = setTimeout(() => this.#timeOut(invocation), timeout * 1000)
    this.#running.set(invocation.id, { invocation, timer })
    this.#freeze(false)
    poll.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': Date.now() + timeout * 1000,
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      'lambda-runtime-trace-id': `Root=1-${invocation.id}`,
    })
    poll.end(invocation.event)
  }

  /** Takes no more requests, and ends when the last one is answered. */
  retire(): void {
    if (this.#state === 'dead') return
    this.#state = 'retiring'
    if (this.#running.size === 0) this.#die('Runtime.Retired', 'The instance was replaced')
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#die('Runtime.Killed', 'The instance was stopped')
    if (child) await this.#options.keeper.end(child)
  }

  #start(): void {
    if (this.#state !== 'starting') return
    const { name, bundle, memory, concurrency, environment, keeper, onLine } = this.#options
    const child = keeper.spawn(
      process.execPath,
      ['--no-warnings', ...heapOf(memory), '--import', nativeClient, runtimeClient, handlerOf],
      {
        cwd: bundle,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env.PATH,
          LANG: 'en_US.UTF-8',
          TZ: ':UTC',
          // One thread, so that requests of an instance can share a commit; AWS starts eight for each processor unless told.
          ...(concurrency > 1
            ? { AWS_LAMBDA_NODEJS_WORKER_COUNT: '1', AWS_LAMBDA_MAX_CONCURRENCY: String(concurrency) }
            : {}),
          ...environment,
          AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${portOf(this.#server)}`,
          AWS_LAMBDA_FUNCTION_NAME: name,
          AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
          AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memory),
          AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
          AWS_LAMBDA_LOG_STREAM_NAME: this.id,
          AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
          AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
          LAMBDA_TASK_ROOT: bundle,
          _HANDLER: handlerOf,
        },
      },
    )
    this.#process = child
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', onLine)
    }
    this.#initialisation = setTimeout(
      () => this.#die('Sandbox.Timedout', `The function was not ready within ${initialisationMs / 1000} s`),
      initialisationMs,
    )
    child.once('error', (error) => this.#die('Runtime.StartFailed', error.message))
    child.once('exit', (code, signal) => this.#die('Runtime.ExitError', `The instance ended with ${signal ?? code}`))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? '').replace('/2018-06-01/runtime/', '')
    if (path === 'invocation/next') {
      this.#polled(response)
      return
    }
    if (path === 'init/error') {
      // Not answered: it would only write its own stack of the error before it ends.
      void textOf(request).then((text) => {
        const { errorType, errorMessage } = errorOf(text)
        this.#die(errorType, errorMessage)
      })
      return
    }
    const [, id = '', what] = path.split('/')
    const running = this.#running.get(id)
    const accept = (): void => {
      response.writeHead(202, { 'content-type': 'application/json' }).end('{}')
      this.#finish(id)
    }
    if (!running) {
      // Its time was over before it answered.
      request.resume()
      request.once('end', () => response.writeHead(400).end('{}'))
    } else if (what === 'response' && request.headers['lambda-runtime-function-response-mode'] === 'streaming') {
      request.once('end', accept)
      // Read no further: the front gave the answer up.
      request.once('close', () => this.#finish(id))
      const contentType = request.headers['content-type'] ?? ''
      running.invocation.settle({ kind: 'streaming', contentType, body: request })
    } else {
      void textOf(request).then((text) => {
        if (what === 'response') running.invocation.settle({ kind: 'answered', body: text })
        else {
          const { errorType, errorMessage } = errorOf(text)
          running.invocation.settle(failed(errorType, errorMessage))
        }
        accept()
      })
    }
  }

  #polled(response: ServerResponse): void {
    this.#polls.push(response)
    response.once('close', () => {
      const index = this.#polls.indexOf(response)
      if (index >= 0) this.#polls.splice(index, 1)
    })
    if (this.#state === 'starting') {
      clearTimeout(this.#initialisation)
      this.#state = 'serving'
      this.#readiness.resolve()
    }
    if (this.#running.size === 0) this.#freeze(true)
    this.#options.onChange()
  }

  #finish(id: string): void {
    const running = this.#running.get(id)
    if (!running) return
    clearTimeout(running.timer)
    this.#running.delete(id)
    if (this.#state === 'retiring' && this.#running.size === 0) this.retire()
    // With one request at once the runtime asks for the next event first.
    else if (this.free) this.#options.onChange()
  }

  #timeOut({ id, settle }: Invocation): void {
    settle(failed('Sandbox.Timedout', `Task timed out after ${this.#options.timeout.toFixed(2)} seconds`))
    this.#running.delete(id)
    // Its runtime is still busy with what nobody waits for any more. The others in it may finish.
    this.retire()
    this.#options.onChange()
  }

  #freeze(frozen: boolean): void {
    if (!this.#options.freeze || this.#options.concurrency > 1 || this.#frozen === frozen) return
    this.#frozen = frozen
    this.#process?.kill(frozen ? 'SIGSTOP' : 'SIGCONT')
  }

  #die(errorType: string, message: string): void {
    if (this.#state === 'dead') return
    if (this.#state === 'starting') this.#startFailure = message
    this.#state = 'dead'
    clearTimeout(this.#initialisation)
    this.#readiness.reject(new Error(message))
    for (const { invocation, timer } of this.#running.values()) {
      clearTimeout(timer)
      invocation.settle(failed(errorType, message))
    }
    this.#running.clear()
    this.#process?.kill('SIGKILL')
    this.#server.close()
    this.#server.closeAllConnections()
    this.#options.onChange()
  }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(request, 'end')
  return Buffer.concat(chunks).toString()
}

const errorOf = (text: string): { errorType: string; errorMessage: string } => {
  const { errorType = 'Error', errorMessage = text } = JSON.parse(text)
  return { errorType, errorMessage }
}
