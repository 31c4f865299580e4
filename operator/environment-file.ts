/** Files of variables: JSON objects of texts, as the local stack writes them. */
import { readFileSync } from 'node:fs'
import * as v from 'valibot'

const schema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()))

/** Undefined where there is no such file. */
export function readEnvironment(file: string): Record<string, string> | undefined {
  const text = readText(file)
  if (text === undefined) return undefined
  const parsed = v.safeParse(schema, text)
  if (parsed.success) return parsed.output
  throw new Error(`${file} is not what the local stack writes: remove it and start the stack again.`)
}

/** Undefined where there is no such file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_FILE.includes(String(error.code))) return undefined
    throw error
  }
}

const NO_FILE = ['ENOENT', 'ENOTDIR', 'EISDIR']
