/**
 * What is known of a deployed stage: the variables of its units and its router, without secrets. A deploy writes them into
 * `.sst/outputs.NAME.json` (infra/sst/stack.ts).
 */
import { join } from 'node:path'
import * as v from 'valibot'
import { SchedulerError } from '../core/errors.ts'
import { readText } from './environment-file.ts'

const variables = v.record(v.string(), v.string())

const schema = v.object({
  stage: v.string(),
  /** Where clients find all of it. */
  url: v.optional(v.string()),
  /** By region. */
  units: v.record(v.string(), variables),
  router: v.optional(variables),
  /** CloudFront's ids of the CDNs. */
  distributions: v.optional(v.array(v.string()), []),
})

export type StageOutputs = v.InferOutput<typeof schema>

/**
 * Where that file is missing, `sst`'s own `.sst/outputs.json` does, if it is of this stage: every run of `sst` writes it again, a
 * failed one too. Fails with `invalid-request` where there is neither.
 */
export function readStageOutputs(stage: string, dir = '.sst'): StageOutputs {
  if (!/^[\w-]+$/.test(stage)) throw refusal('A stage is named by letters, digits and hyphens.')
  const last = join(dir, 'outputs.json')
  const kept = join(dir, `outputs.${stage}.json`)
  const file = [kept, last].find((one) => readText(one) !== undefined)
  if (file === undefined)
    throw refusal(`There is no ${last}: deploy the stage from here: npx sst deploy --stage ${stage}`)
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), readText(file))
  if (!parsed.success)
    throw refusal(`${file} is not what a deploy of this version writes: npx sst deploy --stage ${stage}`)
  if (parsed.output.stage === stage) return parsed.output
  throw refusal(
    `${file} is of the stage ${parsed.output.stage}: deploy ${stage} from here, or keep a copy of its outputs as ${kept}.`,
  )
}

const refusal = (sentence: string) => new SchedulerError('invalid-request', sentence)
