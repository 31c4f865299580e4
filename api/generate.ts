/** Writes `api/openapi.json`: `npm run openapi`. */
import { writeFile } from 'node:fs/promises'
import { describeApi } from './description.ts'

await writeFile(new URL('openapi.json', import.meta.url), `${JSON.stringify(await describeApi(), null, 2)}\n`)
