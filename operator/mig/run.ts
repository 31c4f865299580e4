/** Runs what an operator asked to be brought in, in this process: everything but the process around it. */
import { SchedulerError } from '../../core/errors.ts'
import { ConfigurationError } from '../../functions/config/parse.ts'
import { type Exit, exits, UsageError } from '../command.ts'
import { type Call, parseCall } from './arguments.ts'
import { runCutOver } from './cut-over.ts'
import { help } from './help.ts'
import { runMessages } from './messages.ts'
import { runPlacements } from './placements.ts'
import type { MigWorkplace } from './workplace.ts'

export async function run(args: readonly string[], workplace: MigWorkplace): Promise<Exit> {
  const complain = (line: string) => workplace.warn(`${line}\n`)
  try {
    const call = parseCall(args)
    if (call !== undefined) return await runCall(call, workplace)
    workplace.print(help)
    return exits.well
  } catch (error) {
    if (error instanceof UsageError) {
      complain(`${error.message}\n\n${help}`)
      return exits.misused
    }
    if (!(error instanceof SchedulerError || error instanceof ConfigurationError)) throw error
    complain(error.message)
    if (error instanceof ConfigurationError) complain(workplace.hint)
    return exits.undone
  }
}

async function runCall(call: Call, workplace: MigWorkplace): Promise<Exit> {
  switch (call.kind) {
    case 'placements':
      return await runPlacements(call, workplace)
    case 'messages':
      return await runMessages(call, workplace)
    case 'cut-over':
      return await runCutOver(call, workplace)
  }
}
