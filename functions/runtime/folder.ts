import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Why the program cannot start, in one line for whoever typed the command. */
export class CannotStart extends Error {}

/** Makes the data folder if it is not there; only its owner may look into it. */
export const openFolder = (path: string): string => {
  const folder = resolve(path)
  try {
    make(folder)
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    for (const name of readdirSync(folder)) if (OURS.test(name)) closeToOthers(join(folder, name))
  } catch (error) {
    throw new CannotStart(
      `the data folder ${folder} cannot be written (${codeOf(error)}); PLIMSOLL_DATA names another one`,
    )
  }
  return folder
}

/**
 * Takes the folder for this process alone, by a lock on a file that the system lets go of when the process ends, however
 * it ends. Gives the way to let go.
 */
export const holdFolder = (folder: string): (() => void) => {
  try {
    const lock = new DatabaseSync(join(folder, 'lock'), { timeout: 0 })
    lock.exec('begin exclusive')
    return () => lock.close()
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== 5)
      throw new CannotStart(`the data folder ${folder} cannot be locked: ${(error as Error).message}`)
    throw new CannotStart(
      `another Plimsoll works with the data folder ${folder}; end it, or name another folder with PLIMSOLL_DATA`,
    )
  }
}

/** What this program keeps there. */
const OURS = /^(plimsoll\.db|cloud-state\.db|secret\.key$|clouds\.yaml$|passwords$|images$|converted$)/

/** A copy, a restore or an older version may have left it readable. */
const closeToOthers = (path: string): void => {
  const { mode } = statSync(path)
  if (mode & 0o077) chmodSync(path, mode & 0o700)
}

/** Not `recursive`: Node never comes back from that where nothing can be made, as below /proc. */
const make = (path: string): void => {
  if (existsSync(path)) return
  make(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** The text of a file that only its owner may read, made up at the first start. */
export const keptSecret = (folder: string, name: string, make: () => string): string => {
  const path = join(folder, name)
  try {
    if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o600, flag: 'wx' })
    chmodSync(path, 0o600)
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new CannotStart(`${path} cannot be read or written (${codeOf(error)})`)
  }
}

export const newSecretKey = (): string => randomBytes(32).toString('hex')

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).message
