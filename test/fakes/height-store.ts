/** The network's height in memory. */
import type { HeightStore, KnownHeight } from '../../core/ports/network-height.ts'

export class FakeHeightStore implements HeightStore {
  known: KnownHeight | undefined
  down = false

  async read(): Promise<KnownHeight | undefined> {
    if (this.down) throw new Error('down')
    return this.known
  }

  async replace(from: KnownHeight | undefined, to: KnownHeight): Promise<void> {
    if (this.down) throw new Error('down')
    if (this.known?.height === from?.height) this.known = to
  }
}
