/** Which stack a command works on: the options that every command takes. */

export interface Place {
  /** A deployed stage; none: the local stack, or what the environment describes. */
  stage?: string
  /** One of the stage's regions, where it has several. */
  region?: string
}

const names: readonly (keyof Place)[] = ['stage', 'region']

/**
 * Takes `--stage NAME` and `--region NAME` (also `--stage=NAME`) out of the arguments. One without a value stays where it is: the
 * command will say that it is wrong.
 */
export function readPlace(args: readonly string[]): { place: Place; rest: string[] } {
  const place: Place = {}
  const rest: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    const name = names.find((one) => arg === `--${one}` || arg.startsWith(`--${one}=`))
    const value = name !== undefined && arg.includes('=') ? arg.slice(arg.indexOf('=') + 1) : args[index + 1]
    if (name === undefined || !value || value.startsWith('-')) {
      rest.push(arg)
      continue
    }
    place[name] = value
    if (!arg.includes('=')) index++
  }
  return { place, rest }
}
