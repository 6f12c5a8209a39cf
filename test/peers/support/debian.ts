import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { finish } from './child.ts'

const isThere = (program: string): boolean =>
  ['/usr/local/bin', '/usr/bin', '/bin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Sees to it that a program of Debian is there. False: it is not, and cannot be had, so what needs it is left out and said to be. */
export const programOf = async (program: string, debianPackage: string): Promise<boolean> => {
  if (isThere(program)) return true
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  try {
    await finish({ command: 'apt-get', args: ['-qq', 'update'], env })
    await finish({ command: 'apt-get', args: ['-qq', '-y', '--no-install-recommends', 'install', debianPackage], env })
  } catch {
    return false
  }
  return isThere(program)
}
