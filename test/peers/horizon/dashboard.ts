import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../support/broker.ts'
import { answering, type Child, finish, freePort, launch } from '../support/child.ts'
import { pythonWith } from '../support/python.ts'

export const HORIZON = '27.0.0'
/** Styles and scripts as a deployment compresses them once. */
const STATIC = join(ROOT, '.cache/peers', `horizon-static-${HORIZON}`)
const OWN = fileURLToPath(new URL('.', import.meta.url))

export interface Dashboard {
  url: string
  /** Every panel that it has, whoever may see it. */
  registered: Panel[]
  child: Child
}

interface Panel {
  dashboard: string
  name: string
  path: string
  /** Permissions without which it is not shown. */
  needs: string[]
}

/** Horizon as its package is, on a port of its own, for the broker at `broker`. */
export const startHorizon = async (broker: string): Promise<Dashboard> => {
  const python = await pythonWith('horizon', [`horizon==${HORIZON}`])
  const env = {
    ...python.env,
    PYTHONPATH: [OWN, python.env.PYTHONPATH].filter(Boolean).join(':'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONWARNINGS: 'ignore',
    PYTHONUNBUFFERED: '1',
    DJANGO_SETTINGS_MODULE: 'openstack_dashboard.settings',
    HORIZON_FOLDER: STATIC,
    HORIZON_KEYSTONE: `${broker}/identity/v3`,
  }
  const django = (...args: string[]) => ({ command: python.command, args: ['-m', 'django', ...args], env })
  if (!existsSync(join(STATIC, 'complete'))) {
    await rm(STATIC, { recursive: true, force: true })
    await mkdir(STATIC, { recursive: true })
    await finish(django('collectstatic', '--noinput', '--verbosity', '0'))
    await finish(django('compress', '--force', '--verbosity', '0'))
    await writeFile(join(STATIC, 'complete'), '')
  }
  const listed = await finish({ command: python.command, args: [join(OWN, 'registry.py')], env })
  const registered = listed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Panel)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = launch({ ...django('runserver', '--insecure', '--noreload', `127.0.0.1:${port}`), all: true })
  await answering(child, `${url}/auth/login/`)
  return { url, registered, child }
}

const FAULT = /^(ERROR|CRITICAL) |Traceback \(most recent call last\)|Recoverable error|error invoking apiclient/
/** What it says of its own code. */
const OWN_NOISE = /is called with 'tenant_id' filter parameter/

/** What Horizon wrote of faults since it had written so many letters, the line of the exception beside. */
export const faultsSince = ({ child }: Dashboard, from: number): string[] => {
  const lines = child.output().slice(from).split('\n')
  return lines.flatMap((line, i) => {
    if (!FAULT.test(line) || OWN_NOISE.test(line)) return []
    const raised = lines
      .slice(i + 1, i + 120)
      .find((each) => /^[\w.]+(Error|Exception|Found|Request|[A-Z]\w+): /.test(each))
    return [raised && /Traceback/.test(line) ? raised : line]
  })
}
