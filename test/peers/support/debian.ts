import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { finish } from './child.ts'
import { fetched } from './patiently.ts'

const isThere = (program: string): boolean =>
  ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const env = { DEBIAN_FRONTEND: 'noninteractive' }
/** Seconds that apt-get waits while another of it is at work. */
const WAITS = ['-o', 'DPkg::Lock::Timeout=120']

/** Ends with the last installation: apt-get refuses to read its lists beside another. */
let installed: Promise<unknown> = Promise.resolve()

/** Installs packages of Debian. @throws in the words of apt-get, and at once where there is none */
export const installDebian = (packages: string[]): Promise<void> => {
  const mine = installed.then(() => install(packages))
  installed = mine.catch(() => {})
  return mine
}

const install = (packages: string[]): Promise<void> =>
  fetched(
    `${packages.join(', ')} of Debian`,
    async () => {
      await finish({ command: 'apt-get', args: ['-qq', ...WAITS, 'update'], env })
      const words = ['-y', '--no-install-recommends', 'install', ...packages]
      await finish({ command: 'apt-get', args: ['-qq', ...WAITS, ...words], env })
    },
    (error) => /ENOENT|Permission denied|are you root|Unable to locate package/.test(String(error)),
  )

/**
 * Sees to it that a program of Debian is there. Null: it is; else why it is not and cannot be had, so that what needs it is
 * left out and said to be.
 */
export const lackOf = async (program: string, debianPackage: string): Promise<string | null> => {
  if (isThere(program)) return null
  try {
    await installDebian([debianPackage])
  } catch (error) {
    return `${debianPackage} is not here, and apt-get cannot install it: ${error}`
  }
  return isThere(program) ? null : `${debianPackage} brought no ${program}`
}
