/** Finds the command and runs it: everything but the process around it. */
import { SchedulerError } from '../core/errors.ts'
import { ConfigurationError } from '../functions/config/parse.ts'
import { type Command, type Exit, exits, UsageError, type Workplace } from './command.ts'
import { location } from './commands/location.ts'
import { metadata } from './commands/metadata.ts'
import { placement } from './commands/placement.ts'
import { processCommand } from './commands/process.ts'
import { restore } from './commands/restore.ts'
import { reuploadCommand } from './commands/reupload.ts'
import { segments } from './commands/segments.ts'
import { units } from './commands/units.ts'
import { uploads } from './commands/uploads.ts'
import { verifyCommand } from './commands/verify.ts'

const commands: Readonly<Record<string, Command>> = {
  process: processCommand,
  verify: verifyCommand,
  uploads,
  reupload: reuploadCommand,
  location,
  segments,
  metadata,
  placement,
  units,
  restore,
}

export const help = (): string =>
  [
    'Commands for an operator of the scheduler unit. They work on the running local stack (its STATE_DIR, .local unless',
    'set), on a deployed stage, or on the stack that the environment describes.',
    '',
    'Usage:',
    ...Object.values(commands).flatMap(({ usage }) => usage.map((line) => `  npm run su -- ${line}`)),
    '',
    '  --json             one JSON object a line',
    '  --stage NAME       works on a stage that was deployed from here; --region REGION: on that unit of it',
    '  --unit ENV         works on that unit, where there are several',
    '  ENV                which unit: 1, 2 … of the local stack, a region of the stage, a file of variables, or the folder of its env.json',
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
    if (error instanceof ConfigurationError) workplace.complain(workplace.hint)
    return exits.undone
  }
}
