import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Of the first users, as far as they are known: a database that was moved here comes without. */
export type Passwords = { [user in 'admin' | 'demo']?: string }

/** What earlier versions of this program kept beside `clouds.yaml`, with the same passwords in it. */
const FORMER = 'passwords'

/**
 * The passwords that clients are told in `clouds.yaml`: the one file that has them in the clear, since nothing but a
 * client needs them. The database has hashes.
 */
export const keptPasswords = (folder: string): Passwords => {
  const former = read(join(folder, FORMER))
  if (former) {
    try {
      return JSON.parse(former) as Passwords
    } catch {
      // Then `clouds.yaml` tells what it was.
    }
  }
  return passwordsIn(read(join(folder, 'clouds.yaml')))
}

export const forgetFormer = (folder: string): void => rmSync(join(folder, FORMER), { force: true })

/** @param yaml a `clouds.yaml` of ours */
export const passwordsIn = (yaml: string): Passwords => {
  const lines = yaml.split('\n').map((line) => line.trim())
  const after = (user: string) => lines[lines.indexOf(`username: ${user}`) + 1] ?? ''
  const told = (['admin', 'demo'] as const).flatMap((user) => {
    const [name, quoted] = after(user).split(/: (.*)/)
    return lines.includes(`username: ${user}`) && name === 'password' && quoted ? [[user, JSON.parse(quoted)]] : []
  })
  return Object.fromEntries(told)
}

const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

export const newPassword = (): string => randomBytes(18).toString('base64url')
