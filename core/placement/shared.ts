/** Work that several ask for at once and that is done once. */
export class Shared<T> {
  private readonly works = new Map<string, Promise<T>>()

  /** What is under way for this key, or else what is begun now. */
  join(key: string, begin: () => Promise<T>): Promise<T> {
    const underWay = this.works.get(key)
    if (underWay !== undefined) return underWay
    const work = begin().finally(() => this.works.delete(key))
    this.works.set(key, work)
    return work
  }

  /** What is under way for this key, if anything is. */
  underWay(key: string): Promise<T> | undefined {
    return this.works.get(key)
  }
}
