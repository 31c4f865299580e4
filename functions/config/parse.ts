/** From environment variables to a frozen configuration, once, where a function begins. */
import * as v from 'valibot'

export type Environment = Readonly<Record<string, string | undefined>>

/** A group of settings: reads the variables that it names from the whole environment. */
export type Group = v.GenericSchema<Environment, unknown>

/** All that is wrong with the environment at once: a sentence for each variable. None of them shows a value. */
export class ConfigurationError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`The configuration is not complete.\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    this.name = 'ConfigurationError'
    this.problems = problems
  }
}

/**
 * Reads these groups, no others: a function does not fail for what it does not use. A variable that is set to nothing
 * counts as not set. Throws a ConfigurationError.
 */
export function parseConfig<const G extends Record<string, Group>>(env: Environment, groups: G) {
  const { parsed } = read(env, groups)
  if (!parsed.success) throw new ConfigurationError([...new Set(parsed.issues.map(sentence))])
  return freeze(parsed.output)
}

/** A sentence for each variable that is set to what it can never be; nothing about variables that are missing. */
export function wrongVariables(env: Environment, groups: Record<string, Group>): string[] {
  const { set, parsed } = read(env, groups)
  const issues = parsed.issues ?? []
  return [...new Set(issues.filter((issue) => (variableOf(issue) ?? '') in set).map(sentence))]
}

function read<const G extends Record<string, Group>>(env: Environment, groups: G) {
  const set: Record<string, string> = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  )
  const input = Object.fromEntries(Object.keys(groups).map((name) => [name, set]))
  return { set, parsed: v.safeParse(v.object(groups), input) }
}

interface Issue {
  path?: v.IssuePathItem[] | undefined
  message: string
}

function variableOf({ path }: Issue): string | undefined {
  const variable = path?.[1]?.key
  return typeof variable === 'string' ? variable : undefined
}

/** An issue of a variable begins with its name; one of a whole group says by itself what it is about. */
function sentence(issue: Issue): string {
  const variable = variableOf(issue)
  return variable === undefined ? issue.message : `${variable} ${issue.message}`
}

/** Plain objects and arrays, all the way down; secrets and sets keep themselves. */
function freeze<T>(value: T): T {
  if (
    Array.isArray(value) ||
    (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
  ) {
    for (const part of Object.values(value)) freeze(part)
    Object.freeze(value)
  }
  return value
}
