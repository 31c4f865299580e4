/** The database's tables, brought up to date by each deploy that changes them; where that fails, the deploy fails, and says why. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createFunction, type FunctionOptions } from './functions.ts'
import type { Database } from './secrets.ts'

/** The SQL, and drizzle's journal of it. */
const FOLDER = 'db/postgres/migrations'

export function migrateDatabase(database: Database, options: FunctionOptions): aws.lambda.Invocation {
  const { place } = options
  const { function: migrate } = createFunction('migrate', {
    ...options,
    copyFiles: [{ from: FOLDER, to: 'migrations' }],
  })
  return new aws.lambda.Invocation(
    `Migrations${place.suffix}`,
    {
      functionName: migrate.name,
      input: '{}',
      // Anew when there is another migration, or another database.
      triggers: { migrations: digestOf(FOLDER), database: database.url.apply(digest) },
    },
    place.options,
  )
}

const digestOf = (folder: string): string =>
  digest(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((file) => `${file}\n${readFileSync(file, 'utf8')}`)
      .join('\n'),
  )

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
