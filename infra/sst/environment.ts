/** What each function is told: of all that is known, the variables that its configuration reads, and no others. */
import { variablesOf } from '../../functions/config/functions.ts'
import { type FunctionName, functions } from '../functions.ts'

export type Variables = Readonly<Record<string, $util.Input<string>>>

export const environmentOf = (name: FunctionName, known: Variables): Variables =>
  Object.fromEntries(
    variablesOf(name).flatMap((variable) => {
      const value = known[variable]
      return value === undefined ? [] : [[variable, value]]
    }),
  )

/** Fails for a variable that no function reads: it is misspelt. */
export function assertRead(variables: Readonly<Record<string, string>>): void {
  const read = new Set((Object.keys(functions) as FunctionName[]).flatMap(variablesOf))
  const unknown = Object.keys(variables).filter((variable) => !read.has(variable))
  if (unknown.length > 0) {
    throw new Error(
      `No function reads ${unknown.join(', ')} (infra/settings.ts): see docs/configuration.md for their names.`,
    )
  }
}

/** Metrics of two stages in one account must not be added up. */
export const metricsNamespace = (): string => `${$app.name}/${$app.stage}`
