/** How drizzle-kit makes a migration out of a change of the schema: `npm run db:generate -- --name what_changes`. */
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './db/postgres/schema.ts',
  out: './db/postgres/migrations',
})
