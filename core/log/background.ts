/**
 * Background tasks: what an instance does beyond its own requests, such as leading. Lambda freezes an instance without a request,
 * so one of its requests stays until they are done; one is enough.
 */
export class BackgroundTasks {
  private readonly unattended = new Set<Promise<unknown>>()

  /** @param task never rejects */
  add(task: Promise<unknown>): void {
    this.unattended.add(task)
    void task.then(() => this.unattended.delete(task))
  }

  /** A task that is done when the returned function is called. */
  begin(): () => void {
    let end: () => void = () => undefined
    this.add(new Promise<void>((resolve) => (end = resolve)))
    return () => end()
  }

  /** Resolves when all tasks are done that no other caller waits for already. */
  async attend(): Promise<void> {
    while (this.unattended.size > 0) {
      const tasks = [...this.unattended]
      this.unattended.clear()
      await Promise.all(tasks)
    }
  }
}
