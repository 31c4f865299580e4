/** Which rules of the protocol are on, and how strict they are (contract, "What is refused" and "Defaults"). */
import * as v from 'valibot'
import { defaultSignatureTypes, verifiableTypes } from '../../core/ans104/signature.ts'
import type { SchedulingRules } from '../../core/schedule/scheduler.ts'
import { count, flag, ids, numbersOf } from './variables.ts'

const extraTypes = verifiableTypes.filter((type) => !defaultSignatureTypes.includes(type))

const signatureVariables = { EXTRA_SIGNATURE_TYPES: numbersOf(extraTypes) }
const typesOf = (extra: readonly number[]): number[] => [...defaultSignatureTypes, ...extra]

/** Which signatures are taken: all that the router needs of the rules. */
export const signatures = v.pipe(
  v.object(signatureVariables),
  v.transform((env) => ({ types: typesOf(env.EXTRA_SIGNATURE_TYPES) })),
)

export const rules = v.pipe(
  v.object({
    ...signatureVariables,
    ENABLE_PROCESS_ASSIGNMENT: flag(true),
    ENABLE_DEEP_HASH_CHECKS: flag(true),
    RETRY_WINDOW: count('seconds', 1800, 0, 31_536_000),
    ENABLE_MESSAGE_MAX_SIZE: flag(false),
    MAX_MESSAGE_SIZE_BYTES: count('bytes', 102_400),
    MAX_SIZE_OWNER_WHITELIST: ids,
    MAX_SIZE_FROM_WHITELIST: ids,
    MAX_SIZE_FROM_OWNER_WHITELIST: ids,
  }),
  v.transform(
    (env): Omit<SchedulingRules, 'inlineBytes'> => ({
      signatureTypes: typesOf(env.EXTRA_SIGNATURE_TYPES),
      processAssignment: env.ENABLE_PROCESS_ASSIGNMENT,
      deepHashChecks: env.ENABLE_DEEP_HASH_CHECKS,
      retryWindowMs: env.RETRY_WINDOW * 1000,
      ...(env.ENABLE_MESSAGE_MAX_SIZE && {
        size: {
          maxBytes: env.MAX_MESSAGE_SIZE_BYTES,
          owners: env.MAX_SIZE_OWNER_WHITELIST,
          fromProcesses: env.MAX_SIZE_FROM_WHITELIST,
          fromOwners: env.MAX_SIZE_FROM_OWNER_WHITELIST,
        },
      }),
    }),
  ),
)
