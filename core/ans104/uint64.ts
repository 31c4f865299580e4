/** Unsigned 64-bit numbers, little-endian, as ANS-104 writes its counts and lengths. */

/** Inexact beyond 2^53, which is longer than any bytes, so that a comparison with a length still tells. */
export const readUInt64 = (bytes: Buffer): number => bytes.readUInt32LE(4) * 2 ** 32 + bytes.readUInt32LE(0)

/** @param number a safe integer, not negative */
export function writeUInt64(bytes: Buffer, position: number, number: number): void {
  bytes.writeUInt32LE(number % 2 ** 32, position)
  bytes.writeUInt32LE(Math.floor(number / 2 ** 32), position + 4)
}
