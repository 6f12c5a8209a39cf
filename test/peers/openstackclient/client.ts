import { spawn } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Broker } from '../support/broker.ts'
import { pythonWith } from '../support/python.ts'

const REQUIREMENTS = ['python-openstackclient==10.5.0', 'openstacksdk==4.22.0']

export interface Said {
  rc: number
  stdout: string
  stderr: string
  ms: number
}

/** The unmodified OpenStack client in one Python process, with a clouds.yaml of its own. */
export interface Client {
  say(argv: string[]): Promise<Said>
  stop(): void
}

/** Where the client reads of clouds. */
export const cloudsFile = ({ folder }: Pick<Broker, 'folder'>): string => join(folder, 'peers-clouds.yaml')

/** A program `openstack` in a folder: the client as a shell finds it. */
export const installClient = async (folder: string): Promise<void> => {
  const python = await pythonWith('openstackclient', REQUIREMENTS)
  const settings = Object.entries(python.env).map(([name, value]) => `${name}='${value}' `)
  const file = join(folder, 'openstack')
  await writeFile(file, `#!/bin/sh\n${settings.join('')}exec '${python.command}' -m openstackclient.shell "$@"\n`)
  await chmod(file, 0o755)
}

export const startClient = async (broker: Broker): Promise<Client> => {
  const python = await pythonWith('openstackclient', REQUIREMENTS)
  const clouds = cloudsFile(broker)
  await writeFile(clouds, cloudsYaml(broker))
  const driver = fileURLToPath(new URL('./driver.py', import.meta.url))
  const child = spawn(python.command, [driver], {
    cwd: broker.folder,
    env: { PATH: process.env.PATH, HOME: broker.folder, LANG: 'C.UTF-8', ...python.env, OS_CLIENT_CONFIG_FILE: clouds },
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
  child.on('exit', (code) => fail(new Error(`the client's process ended (${code}): ${stderr}`)))
  child.stdin.on('error', fail)
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  return {
    say: (argv) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify({ argv })}\n`)
      }),
    stop: () => {
      process.off('exit', kill)
      child.removeAllListeners('exit')
      child.kill()
    },
  }
}

/** As the broker writes it: `plimsoll` is user demo, `plimsoll-admin` user admin. */
const cloudsYaml = ({ url, passwords }: Broker): string =>
  `clouds:\n${(['demo', 'admin'] as const)
    .map(
      (name) => `  ${name === 'demo' ? 'plimsoll' : 'plimsoll-admin'}:
    auth:
      auth_url: ${url}/identity/v3
      username: ${name}
      password: ${passwords[name]}
      project_name: ${name}
      user_domain_id: default
      project_domain_id: default
    region_name: RegionOne
`,
    )
    .join('')}`
