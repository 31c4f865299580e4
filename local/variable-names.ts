/** Names of variables that a start warns about: misspelt ones, which would otherwise do nothing without a word. */
import { variablesOf } from '../functions/config/functions.ts'
import { replacedVariables } from '../functions/config/notices.ts'
import { type FunctionName, functions } from '../infra/functions.ts'
import { isOfTheMachine, kept, ownVariables } from './options.ts'

type Variables = Readonly<Record<string, string | undefined>>

const known: ReadonlySet<string> = new Set([
  ...(Object.keys(functions) as FunctionName[]).flatMap(variablesOf),
  ...replacedVariables,
  ...ownVariables,
  ...kept,
  // Of examples/send.ts.
  'WALLET',
])

/** Below this length, names of other programs' variables are too near to these by chance. */
const SHORTEST = 6

/**
 * A sentence for each variable that is likely meant for this stack and is none of its own: any in the file, of the shell's
 * only those that are an edit or two from a known one.
 * @param file the variables of `.env`
 */
export const misspelt = (environment: Variables, file: Variables = {}): string[] =>
  Object.keys({ ...file, ...environment })
    .filter((name) => !known.has(name) && !isOfTheMachine(name))
    .flatMap((name) => {
      const neighbour = neighbourOf(name)
      if (neighbour === undefined && !(name in file)) return []
      const advice = neighbour === undefined ? 'See docs/configuration.md.' : `Did you mean ${neighbour}?`
      return [`${name} has no effect: no such variable is known. ${advice}`]
    })

const neighbourOf = (name: string): string | undefined => {
  if (name.length < SHORTEST) return undefined
  const [nearest] = [...known]
    .map((other) => ({ other, distance: editsBetween(name.toUpperCase(), other) }))
    .sort((a, b) => a.distance - b.distance)
  return nearest && nearest.distance <= (name.length < 8 ? 1 : 2) ? nearest.other : undefined
}

/** Letters to be put in, left out or changed to get from one to the other (Levenshtein). */
const editsBetween = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (const [column, other] of [...to].entries()) {
      const [left = 0, above = 0, diagonal = 0] = [next[column], row[column + 1], row[column]]
      next.push(Math.min(left + 1, above + 1, diagonal + (letter === other ? 0 : 1)))
    }
    row = next
  }
  return row[to.length] ?? 0
}
