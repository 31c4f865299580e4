/**
 * Where the regions of a start listen. Processes are placed on units by their addresses, so that the next start must give each
 * unit the one that it had.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { freePort, isFree } from './free-port.ts'
import type { StackOptions } from './options.ts'
import { StartError } from './start-error.ts'
import { routerDir } from './state-dir.ts'

export interface Addresses {
  /** Ports of the router, and of its DynamoDB. */
  router: number
  dynamodb: number
  /** Ports of the units, the first is region 1. */
  units: number[]
}

/** What the last start that came up chose, as JSON: an array of the units' ports. */
const fileOf = (stateDir: string): string => join(routerDir(stateDir), 'units.json')

export const unitUrl = (port: number): string => `http://127.0.0.1:${port}`

/** Fails with StartError where somebody listens already. */
export const chooseAddresses = async (
  { stateDir, port, host, ports }: StackOptions,
  count: number,
): Promise<Addresses> => {
  const kept = port === 0 ? rememberedPorts(stateDir) : []
  const units = Array.from({ length: count }, async (_, index) =>
    port === 0 ? (kept[index] ?? (await freePort())) : port + 1 + index,
  )
  const addresses = {
    router: port === 0 ? await freePort() : port,
    dynamodb: ports.dynamodb ?? (await freePort()),
    units: await Promise.all(units),
  }
  const advice = 'stop what listens there, or give another'
  if (!(await isFree(addresses.router, host))) {
    throw new StartError(`Port ${addresses.router} is taken: ${advice} PORT.`)
  }
  for (const [index, unit] of addresses.units.entries()) {
    if (await isFree(unit, host)) continue
    const other = port === 0 ? 'STATE_DIR' : 'PORT (the units have the ports after it)'
    throw new StartError(`Port ${unit}, that of region ${index + 1}, is taken: ${advice} ${other}.`)
  }
  return addresses
}

export const rememberPorts = (stateDir: string, { units }: Addresses): void => {
  const file = fileOf(stateDir)
  mkdirSync(dirname(file), { recursive: true })
  // One that has fewer regions than the last one had does not forget where the others were.
  writeFileSync(file, JSON.stringify([...units, ...rememberedPorts(stateDir).slice(units.length)]))
}

/** What helps where processes are placed on units that are not at their addresses any more: a sentence. */
export const adviceOnAddresses = (stateDir: string): string => {
  const before = rememberedPorts(stateDir).map(unitUrl).join(', ')
  return `In an earlier start the units were at ${before}: start as many with the PORT that they had, or with another STATE_DIR, or with --fresh.`
}

/** The units' ports in the last start that came up. */
const rememberedPorts = (stateDir: string): number[] => {
  const file = fileOf(stateDir)
  const ports: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  return Array.isArray(ports) ? ports.filter((port) => Number.isInteger(port)) : []
}
