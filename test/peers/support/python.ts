import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { finish } from './child.ts'
import { installDebian } from './debian.ts'
import { fetched } from './patiently.ts'

export interface Python {
  command: string
  env: Record<string, string>
}

const CACHE = fileURLToPath(new URL('../../../.cache/peers/', import.meta.url))
const PIP = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input']

const making = new Map<string, Promise<Python>>()

/**
 * A Python that has these packages, apart from the system's; made once and kept in `.cache/peers`. Stories that run side by
 * side wait for the same one.
 */
export const pythonWith = (name: string, requirements: string[]): Promise<Python> => {
  const mark = createHash('sha256').update(requirements.join('\n')).digest('hex').slice(0, 8)
  const folder = `${CACHE}${name}-${mark}`
  const made = making.get(folder) ?? make(folder, requirements)
  making.set(folder, made)
  return made
}

const make = async (folder: string, requirements: string[]): Promise<Python> => {
  const inside = { command: `${folder}/bin/python`, env: {} }
  const beside = { command: 'python3', env: { PYTHONPATH: `${folder}/site` } }
  if (!existsSync(`${folder}/complete`)) {
    await rm(folder, { recursive: true, force: true })
    await mkdir(CACHE, { recursive: true })
    await install(folder, inside.command, requirements)
    await writeFile(`${folder}/complete`, `${requirements.join('\n')}\n`)
  }
  return existsSync(inside.command) ? inside : beside
}

/** What an index of packages does not bring another time. */
const HOPELESS = /No module named|externally-managed-environment|ENOENT/

/** Debian's bare python3 has neither `venv` nor `pip`: each next way needs less, or brings it. */
const install = async (folder: string, python: string, requirements: string[]): Promise<void> => {
  const pip = (command: string, more: string[] = []) =>
    fetched(
      requirements.join(', '),
      () => finish({ command, args: [...PIP, ...more, ...requirements] }),
      (error) => HOPELESS.test(String(error)),
    )
  const own = async () => {
    await finish({ command: 'python3', args: ['-m', 'venv', folder] })
    await pip(python)
  }
  const ways: (() => Promise<unknown>)[] = [
    own,
    () => pip('python3', ['--target', `${folder}/site`]),
    async () => {
      await installDebian(['python3-venv', 'python3-pip'])
      await own()
    },
  ]
  const faults: string[] = []
  for (const way of ways) {
    try {
      await way()
      return
    } catch (error) {
      faults.push(String(error))
      await rm(folder, { recursive: true, force: true })
    }
  }
  throw new Error(`python3 cannot install packages here (it needs venv or pip):\n${faults.join('\n')}`)
}
