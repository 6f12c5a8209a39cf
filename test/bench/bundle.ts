import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Table } from './table.ts'

const MIB = 1024 * 1024

/** The Worker as it is uploaded, compressed as Cloudflare counts it. */
export const benchBundle = (folder: string, table: Table): void => {
  const out = join(folder, 'bundle')
  const wrangler = fileURLToPath(new URL('../../node_modules/wrangler/bin/wrangler.js', import.meta.url))
  const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', CI: 'true' }
  const cwd = fileURLToPath(new URL('../../', import.meta.url))
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], { env, cwd, stdio: 'pipe' })
  const scripts = readdirSync(out).filter((name) => name.endsWith('.js') || name.endsWith('.mjs'))
  const bytes = scripts.reduce((sum, name) => sum + gzipSync(readFileSync(join(out, name)), { level: 9 }).length, 0)
  table.row('Worker bundle, gzip -9', `${(bytes / 1024).toFixed(0)} KiB`, '')
  table.target('Worker bundle < 1 MiB gzipped', bytes < MIB, `${(bytes / 1024).toFixed(0)} KiB`)
}
