import { defineConfig } from 'drizzle-kit'

/** `npm run migrations`: numbered SQL files that wrangler and `db/migrate.ts` both apply. */
export default defineConfig({
  dialect: 'sqlite',
  schema: './db/schema/index.ts',
  out: './db/migrations',
  breakpoints: false,
})
