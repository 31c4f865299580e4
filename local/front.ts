/** The address of a stack: the function URL of the function that answers there, open before that function is. */
import { type FunctionUrl, openFunctionUrl } from './lambda/function-url.ts'
import type { Outcome } from './lambda/invocation.ts'
import { StartError } from './start-error.ts'

export interface FrontOptions {
  host: string
  port: number
  /** Gives it an event; nothing while it does not run yet. */
  invoke(event: string, abandoned?: AbortSignal): Promise<Outcome> | undefined
  onFailure(message: string): void
  awsFaults: boolean
}

/** Fails with StartError where the port is taken. */
export const openFront = async ({ host, port, invoke, onFailure, awsFaults }: FrontOptions): Promise<FunctionUrl> => {
  const lambda = {
    invoke: async (event: string, abandoned?: AbortSignal): Promise<Outcome> =>
      (await invoke(event, abandoned)) ?? { kind: 'throttled' },
  }
  try {
    return await openFunctionUrl({ lambda, host, port, onFailure, awsFaults })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new StartError(`Port ${port} is taken: stop what listens there, or give another PORT.`)
  }
}
