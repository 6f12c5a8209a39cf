import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Python, pythonWith } from '../support/python.ts'

export const CLIENTS = { nova: '18.13.1', cinder: '9.10.0', glance: '4.13.0' } as const
/** The last that has the program `neutron`: what came after is a library. */
export const NEUTRON = '9.0.0'
export type Cli = keyof typeof CLIENTS | 'neutron'

export interface Said {
  rc: number
  stdout: string
  stderr: string
  ms: number
}

/** The old clients in one Python process each time. */
export interface OldClient {
  say(argv: string[], env: Record<string, string>): Promise<Said>
  stop(): void
}

const pythonOf = (cli: Cli): Promise<Python> =>
  cli === 'neutron'
    ? pythonWith('neutronclient', [`python-neutronclient==${NEUTRON}`, 'setuptools==79.0.1'])
    : pythonWith(
        'commands',
        Object.entries(CLIENTS).map(([name, version]) => `python-${name}client==${version}`),
      )

/** @param folder which it is run in */
export const startOldClient = async (cli: Cli, folder: string): Promise<OldClient> => {
  const python = await pythonOf(cli)
  const driver = fileURLToPath(new URL('./driver.py', import.meta.url))
  const child = spawn(python.command, [driver], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, LANG: 'C.UTF-8', ...python.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (data) => {
    stderr = (stderr + data).slice(-4000)
  })
  const waiting: { resolve(said: Said): void; reject(error: Error): void }[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)))
  const fail = (error: Error) => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  child.on('error', fail)
  child.on('exit', (code) => fail(new Error(`the process of ${cli} ended (${code}): ${stderr}`)))
  child.stdin.on('error', fail)
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  return {
    say: (argv, env) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify({ cli, argv, env })}\n`)
      }),
    stop: () => {
      process.off('exit', kill)
      child.removeAllListeners('exit')
      child.kill()
    },
  }
}
