/** What a stack is put together of, so that it can be taken apart again, the last part first, whenever something goes wrong. */

export interface Parts {
  /** Waits for a part that starts, and stops it when all is taken apart. */
  add<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T>
  /** Done when all is taken apart. */
  atEnd(step: () => Promise<unknown> | unknown): void
  takeApart(): Promise<void>
}

export const createParts = (): Parts => {
  const steps: (() => Promise<unknown> | unknown)[] = []
  return {
    async add(starting) {
      const started = await starting
      steps.push(() => started.stop())
      return started
    },
    atEnd(step) {
      steps.push(step)
    },
    async takeApart() {
      for (const step of steps.splice(0).reverse()) await step()
    },
  }
}

/** Like Promise.all, but what goes on beside a failure is awaited, so that it can be taken apart. */
export const settled = async <T extends readonly unknown[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}

/** A port as an option of a part: none is named where any will do. */
export const at = (port: number | undefined): { port?: number } => (port === undefined ? {} : { port })
