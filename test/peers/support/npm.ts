import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { finish } from './child.ts'
import { fetched } from './patiently.ts'

const CACHE = fileURLToPath(new URL('../../../.cache/peers/', import.meta.url))

/**
 * The module of a package of npm that the project does not depend on: installed once, without its scripts, and kept in
 * `.cache/peers`. The caller says what is in it.
 */
export const moduleOf = async <T>(name: string, version: string): Promise<T> => {
  const folder = join(CACHE, `${name}-${version}`)
  if (!existsSync(join(folder, 'complete'))) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'package.json'), '{"private":true}\n')
    const args = ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--save-exact']
    await fetched(name, () => finish({ command: 'npm', args: [...args, `${name}@${version}`], cwd: folder }))
    await writeFile(join(folder, 'complete'), `${version}\n`)
  }
  const path = createRequire(join(folder, 'package.json')).resolve(name)
  return import(pathToFileURL(path).href) as Promise<T>
}
