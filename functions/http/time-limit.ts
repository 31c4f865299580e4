/** Ends a request at a moment that can be put off, once more is known of it. */
export class TimeLimit {
  private readonly controller = new AbortController()
  private timer: NodeJS.Timeout | undefined

  /** @param ms from now */
  constructor(ms: number) {
    this.set(ms)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** @param ms from now, instead of what was set before */
  set(ms: number): void {
    this.clear()
    this.timer = setTimeout(() => {
      this.controller.abort(new DOMException('It took too long.', 'TimeoutError'))
    }, ms)
    // What nobody waits for keeps no process alive.
    this.timer.unref()
  }

  /** To be called when it is over: then nothing ends it any more. */
  clear(): void {
    clearTimeout(this.timer)
  }
}
