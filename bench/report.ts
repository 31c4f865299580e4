/** Numbers for people: aligned columns, ratios to what nothing can beat. */
import type { Measured } from './load.ts'

const column = (text: string, width: number) => text.padStart(width)
const round = (value: number) => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 ? 2 : 3)

export function heading(title: string): void {
  console.log(`\n${title}`)
}

export function line(
  what: string,
  { perSecond, p50, p99, max, refused }: Measured,
  ratios: Record<string, number>,
): void {
  const shares = Object.entries(ratios).map(([name, base]) => `${round(perSecond / base)} × ${name}`)
  const not = [...refused].map(([status, count]) => `${count} × ${status}`)
  console.log(
    `  ${what.padEnd(34)}${column(round(perSecond), 7)}/s  p50 ${column(round(p50), 6)}  p99 ${column(round(p99), 6)}  max ${column(round(max), 6)} ms  ${shares.join(', ')}${not.length > 0 ? `  REFUSED: ${not.join(', ')}` : ''}`,
  )
}

export function figure(what: string, value: number, unit: string): void {
  console.log(`  ${what.padEnd(34)}${column(round(value), 7)} ${unit}`)
}

export function megabytes(what: string, bytes: number, of: number): void {
  const used = bytes / 1_048_576
  console.log(`  ${what.padEnd(34)}${column(used.toFixed(0), 7)} MB of ${of}, ${((100 * used) / of).toFixed(0)} %`)
}
