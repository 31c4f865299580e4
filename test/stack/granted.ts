/** Holds what functions call against what they are granted (infra/grants.ts), in both directions. */
import type { FunctionName } from '../../infra/functions.ts'
import { type Grant, grants } from '../../infra/grants.ts'
import type { AwsCall } from '../../local/aws-calls.ts'

export interface CallsHeldAgainstGrants {
  onCall(call: AwsCall): void
  /** Calls that no grant allows, each once: function, action, resource. */
  readonly notGranted: readonly string[]
  /** What is granted and was never called. */
  readonly notCalled: readonly string[]
}

/** @param granted what counts; that of infra/grants.ts unless a test tries another */
export function holdAgainstGrants(
  granted: Readonly<Partial<Record<FunctionName, readonly Grant[]>>> = grants,
): CallsHeldAgainstGrants {
  const notGranted = new Set<string>()
  const never = new Set(
    Object.entries(granted).flatMap(([name, own]) =>
      own.flatMap((grant) => grant.actions.map((action) => line(name, action, grant))),
    ),
  )
  return {
    onCall(call) {
      const { caller, action } = call
      const grant = granted[caller]?.find((one) => one.actions.some((each) => each === action) && covers(one, call))
      if (grant) never.delete(line(caller, action, grant))
      // A row's key tells what is missing; ids of processes would be a line each.
      else notGranted.add(`${caller} ${action} ${described(call)}`)
    },
    get notGranted() {
      return [...notGranted].sort()
    },
    get notCalled() {
      return [...never].sort()
    },
  }
}

function covers({ resource, leadingKeys }: Grant, { on }: AwsCall): boolean {
  if ('unknown' in on) return false
  if ('table' in on) {
    if (!('table' in resource) || resource.table !== on.table) return false
    return leadingKeys === undefined || leadingKeys.some((key) => key === on.key)
  }
  if (!('bucket' in resource)) return false
  return resource.prefix === undefined ? on.key === undefined : (on.key?.startsWith(resource.prefix) ?? false)
}

const line = (name: string, action: string, { resource, leadingKeys }: Grant): string => {
  const where = 'table' in resource ? resource.table : `bucket/${resource.prefix ?? ''}`
  return `${name} ${action} ${where}${leadingKeys ? ` (${leadingKeys.join(', ')})` : ''}`
}

function described({ on }: AwsCall): string {
  if ('unknown' in on) return on.unknown
  if ('table' in on) return on.key?.startsWith('~') ? `${on.table} (${on.key})` : on.table
  return `bucket/${on.key?.replace(/\/.*/s, '/') ?? ''}`
}
