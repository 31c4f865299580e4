/** Numbers in as few bytes as they need (LEB128, unsigned, up to 2^53), and bytes between them. */

export class ByteWriter {
  private readonly pieces: Buffer[] = []

  /** @param value a safe integer, not negative */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no number of an index`)
    const bytes: number[] = []
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
    this.pieces.push(Buffer.from([...bytes, rest]))
  }

  bytes(bytes: Buffer): void {
    this.pieces.push(bytes)
  }

  written(): Buffer {
    return Buffer.concat(this.pieces)
  }
}

/** Reads what a writer wrote, which has been checked to be that. */
export class ByteReader {
  private readonly source: Buffer
  private position = 0

  constructor(source: Buffer) {
    this.source = source
  }

  number(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.source[this.position++]
      if (byte === undefined) throw new RangeError('an index ends within a number')
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
  }

  /** A view. */
  bytes(length: number): Buffer {
    const start = this.position
    this.position += length
    if (this.position > this.source.length) throw new RangeError('an index ends within a digest')
    return this.source.subarray(start, this.position)
  }
}
