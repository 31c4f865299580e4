/**
 * What an instance does beyond its own requests: it commits for others, takes offers back. Lambda freezes an instance that has
 * no request, so one of the requests stays until such work is done; one is enough.
 */
export class Errands {
  private readonly unattended = new Set<Promise<unknown>>()

  /** @param work never rejects */
  add(work: Promise<unknown>): void {
    this.unattended.add(work)
    void work.then(() => this.unattended.delete(work))
  }

  /** Work that is done when the function that is given back is called. */
  begin(): () => void {
    let end: () => void = () => undefined
    this.add(
      new Promise<void>((resolve) => {
        end = resolve
      }),
    )
    return () => end()
  }

  /** Resolves when everything is done that nobody else who called this waits for. */
  async attend(): Promise<void> {
    while (this.unattended.size > 0) {
      const work = [...this.unattended]
      this.unattended.clear()
      await Promise.all(work)
    }
  }
}
