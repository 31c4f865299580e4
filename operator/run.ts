/** Finds the command and runs it: everything but the process around it. */
import { SchedulerError } from '../core/errors.ts'
import { ConfigurationError } from '../functions/config/parse.ts'
import { type Command, type Exit, exits, UsageError, type Workplace } from './command.ts'
import { placement } from './commands/placement.ts'
import { reuploadCommand } from './commands/reupload.ts'
import { units } from './commands/units.ts'
import { uploads } from './commands/uploads.ts'

const commands: Readonly<Record<string, Command>> = {
  uploads,
  reupload: reuploadCommand,
  placement,
  units,
}

export const help = (): string =>
  [
    'Commands for an operator of the scheduler unit. They work on the running local stack (its STATE_DIR, .local unless',
    'set), or on the stack that the environment describes.',
    '',
    'Usage:',
    ...Object.values(commands).flatMap(({ usage }) => usage.map((line) => `  npm run su -- ${line}`)),
    '',
    '  --json   one JSON object a line',
    '  ENV      where the environment of a unit is: its env.json, or the folder of that; region-1 is one of STATE_DIR',
    '',
    'Exit status: 0 all done; 1 something was left undone; 2 the command was called wrongly.',
  ].join('\n')

export async function run(args: readonly string[], workplace: Workplace): Promise<Exit> {
  const [name = 'help', ...rest] = args
  if (['help', '--help', '-h'].includes(name) || rest.includes('--help') || rest.includes('-h')) {
    workplace.print(help())
    return exits.well
  }
  try {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command === undefined) throw new UsageError(`There is no command ${name}.`)
    return await command.run(rest, workplace)
  } catch (error) {
    if (error instanceof UsageError) {
      workplace.complain(`${error.message}\n\n${help()}`)
      return exits.misused
    }
    if (!(error instanceof SchedulerError || error instanceof ConfigurationError)) throw error
    workplace.complain(error.message)
    if (error instanceof ConfigurationError) workplace.complain('Is the local stack running? It writes env.json.')
    return exits.undone
  }
}
