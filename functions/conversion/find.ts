import { access, constants, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PATHS, ROOTS, runInCell } from './cell.ts'

const CELL = ['prlimit', 'setpriv', 'unshare', 'findmnt', 'mount', 'umount', 'pivot_root', 'nice', 'sed']

/** What a look at the program may take. */
const LOOK = { cpuSeconds: 10, memory: 2 ** 31, file: 2 ** 20, time: 20_000 }

const isThere = async (paths: string[], program: string): Promise<boolean> => {
  for (const path of paths)
    if (
      await access(join(path, program), constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true
  return false
}

/** The folder of the system, all of which is seen from inside, that a folder lies in; undefined: it is in none. */
const seenFromInside = async (folder: string): Promise<string | undefined> => {
  const real = await realpath(folder)
  for (const root of ROOTS) {
    const whole = await realpath(`/${root}`).catch(() => null)
    if (whole && `${real}/`.startsWith(`${whole}/`)) return `/${root}`
  }
  return undefined
}

/**
 * Whether this machine converts images: with which program, or why it does not, as a sentence. The program is run once, as
 * it would be for an image: what cannot be kept apart is not run.
 * @param folder where it may work
 * @param paths where programs are looked for
 */
export const findProgram = async (
  folder: string,
  paths: string[] = PATHS,
): Promise<{ tool: string } | { lacking: string }> => {
  if (process.platform !== 'linux') return { lacking: 'Nothing is converted here: that needs namespaces of Linux.' }
  if (!(await isThere(paths, 'qemu-img')))
    return { lacking: 'Nothing is converted here: qemu-img is not on this machine (Debian has it in qemu-utils).' }
  for (const program of CELL)
    if (!(await isThere(paths, program)))
      return { lacking: `Nothing is converted here: ${program} is missing, and without it qemu-img is not kept apart.` }
  const root = await seenFromInside(folder)
  if (root !== undefined)
    return { lacking: `Nothing is converted here: the folder of data is in ${root}, which qemu-img reads for its own.` }
  const work = await mkdtemp(join(folder, 'work-'))
  try {
    const input = join(work, 'in')
    await writeFile(input, '')
    let said = ''
    const { code, signal, errors } = await runInCell({ work, input, paths }, ['qemu-img', '--version'], LOOK, {
      heard: (text) => {
        said = (said + text).slice(0, 1_000)
      },
    })
    const version = /^qemu-img version (\S+)/.exec(said)?.[1]
    if (code === 0 && version) return { tool: `qemu-img ${version}` }
    const why = errors.trim().split('\n').at(-1) || `it ended with ${signal ?? code}`
    return {
      lacking: `Nothing is converted here: qemu-img cannot be kept apart from the rest of this machine (${why}).`,
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
