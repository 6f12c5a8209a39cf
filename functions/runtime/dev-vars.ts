import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { newSecretKey } from './folder.ts'
import { newPassword } from './passwords.ts'
import { cloudsYaml, welcome, writeCloudsYaml } from './welcome.ts'

/** Before `wrangler dev`: the secrets that a deployed Worker is given by hand are made up once, and kept in `.dev.vars`. */
const FILE = '.dev.vars'
const first = !existsSync(FILE)
if (first) {
  const made = {
    PLIMSOLL_SECRET_KEY: newSecretKey(),
    PLIMSOLL_ADMIN_PASSWORD: newPassword(),
    PLIMSOLL_DEMO_PASSWORD: newPassword(),
    PLIMSOLL_SANDBOX: 'on',
  }
  const lines = Object.entries(made).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(FILE, lines.join(''), { mode: 0o600 })
}
const set = Object.fromEntries(
  readFileSync(FILE, 'utf8')
    .split('\n')
    .map((line) => /^(\w+)\s*=\s*"?(.*?)"?\s*$/.exec(line))
    .flatMap((match) => (match ? [[match[1]!, match[2]!]] : [])),
)
const url = set.PLIMSOLL_PUBLIC_URL ?? `http://127.0.0.1:${process.argv[2] ?? 8787}`
mkdirSync('.wrangler', { recursive: true })
const cloudsFile = resolve('.wrangler/clouds.yaml')
const passwords = { admin: set.PLIMSOLL_ADMIN_PASSWORD ?? '', demo: set.PLIMSOLL_DEMO_PASSWORD ?? '' }
writeCloudsYaml(cloudsFile, cloudsYaml(url, set.PLIMSOLL_REGION ?? 'RegionOne', passwords))
console.log(welcome(url, resolve('.wrangler'), cloudsFile, first))
