import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, finish, launch } from '../support/child.ts'
import { installDebian } from '../support/debian.ts'
import { patiently } from '../support/patiently.ts'
import { pythonWith } from '../support/python.ts'
import { configurations, OTHERS, SECRET, SERVICES, type Service, urlOf } from './configuration.ts'
import { enrol } from './people.ts'

const GROUND = fileURLToPath(new URL('ground/', import.meta.url))
const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
/** What was recorded, by the story: as in requirements.txt. */
export const RELEASES = {
  identity: 'Keystone 30.0.0',
  image: 'Glance 33.0.0',
  network: 'Neutron 29.0.0',
  volume: 'Cinder 29.0.0',
  compute: 'Nova 34.0.0',
} as const
const DATABASES = ['keystone', 'placement', 'glance', 'neutron', 'cinder', 'nova', 'nova_api', 'nova_cell0']

/** The newest releases of the services themselves, on the loopback. */
export interface Services {
  /** Where each is, by its type, without its version. */
  urls: Record<string, string>
  stop(): Promise<void>
}

interface Tools {
  python: string
  folder: string
  first: number
  env: Record<string, string>
}

/**
 * Sets up Keystone, Placement, Glance, Neutron, Cinder and Nova of PyPI, with MariaDB and RabbitMQ of Debian: what is on
 * hosts is stood in for by the fake drivers that come with them. Takes minutes, needs root for apt-get alone.
 * @param first of sixteen ports
 */
export const startServices = async (folder: string, first: number): Promise<Services> => {
  const children: Child[] = []
  const stop = async () => {
    for (const child of children.splice(0).reverse()) await child.stop()
    // What finds nodes of the queue is a daemon of its own.
    const port = ['-port', String(first + OTHERS.epmd)]
    await finish({ command: 'epmd', args: [...port, '-kill'] }).catch(() => '')
  }
  try {
    await installDebian(['rabbitmq-server', 'mariadb-server'])
    const requirements = (await readFile(REQUIREMENTS, 'utf8')).split('\n').filter(Boolean)
    const python = (await pythonWith('openstack', requirements)).command
    const tools = { python, folder, first, env: await configure(folder, first, python) }
    children.push(...(await beneath(tools)))
    await once(folder, 'migrated', () => migrate(tools))
    await begin(tools, children)
    return { urls: Object.fromEntries(SERVICES.map(({ type, name }) => [type, urlOf(first, name)])), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Does what is done once for a folder, however often services are started in it. */
const once = async (folder: string, what: string, work: () => Promise<unknown>): Promise<void> => {
  const mark = join(folder, `${what}.done`)
  if (existsSync(mark)) return
  await work()
  await writeFile(mark, '')
}

const configure = async (folder: string, first: number, python: string): Promise<Record<string, string>> => {
  const env: Record<string, string> = {
    PYTHONPATH: GROUND,
    PATH: `${GROUND}bin:${dirname(python)}:${process.env.PATH}`,
    PYTHONWARNINGS: 'ignore',
    OS_CINDER_CONFIG_DIR: join(folder, 'etc/cinder'),
  }
  for (const [name, text] of Object.entries(configurations(first, folder))) {
    const at = join(folder, 'etc', name)
    // What their packages bring besides: pipelines of Paste, filters of queries.
    await cp(join(dirname(python), '../etc', name), at, { recursive: true }).catch(() => mkdir(at, { recursive: true }))
    for (const lesser of await readdir(at)) if (lesser.endsWith('.conf')) await writeFile(join(at, lesser), '')
    const file = `${name === 'glance' ? 'glance-api' : name}.conf`
    await writeFile(join(at, file), text)
    await mkdir(join(folder, name), { recursive: true })
    env[`OS_${name.toUpperCase()}_CONFIG_DIR`] = at
  }
  for (const lesser of ['glance/images', 'glance/staging', 'glance/tasks', 'cinder/backups'])
    await mkdir(join(folder, lesser), { recursive: true })
  env.OS_NEUTRON_CONFIG_FILES = 'neutron.conf'
  env.OS_KEYSTONE_CONFIG_FILES = join(folder, 'etc/keystone/keystone.conf')
  return env
}

/** The database and the queue. */
const beneath = async ({ folder, first }: Tools): Promise<Child[]> => {
  const data = join(folder, 'mariadb')
  const socket = join(folder, 'mariadb.sock')
  const asRoot = ['--user=root', '--auth-root-authentication-method=normal']
  await once(folder, 'installed', async () => {
    await finish({ command: 'mariadb-install-db', args: ['--no-defaults', `--datadir=${data}`, ...asRoot] })
  })
  const database = launch({
    command: 'mariadbd',
    args: [
      ...['--no-defaults', `--datadir=${data}`, '--user=root', `--socket=${socket}`, '--bind-address=127.0.0.1'],
      ...[`--port=${first + OTHERS.database}`, '--innodb-flush-log-at-trx-commit=0', '--max-connections=500'],
      ...['--innodb-flush-method=nosync', `--pid-file=${join(folder, 'mariadb.pid')}`],
    ],
  })
  const sql = [
    ...DATABASES.map((name) => `create database ${name} character set utf8mb3`),
    // By the name or the address of the loopback, whichever the server takes it for.
    ...['localhost', '127.0.0.1'].flatMap((host) => [
      `create user openstack@'${host}' identified by '${SECRET}'`,
      `grant all on *.* to openstack@'${host}'`,
    ]),
  ]
  const say = ['--no-defaults', `--socket=${socket}`, '-uroot']
  const ask = (words: string) => finish({ command: 'mariadb', args: [...say, '-e', words] })
  await patiently(() => ask('select 1'), 60_000)
  await once(folder, 'opened', () => ask(sql.join(';')))
  const queue = launch({
    command: '/usr/lib/rabbitmq/bin/rabbitmq-server',
    args: [],
    group: true,
    env: {
      HOME: folder,
      RABBITMQ_NODENAME: `differential${first}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(first + OTHERS.queue),
      RABBITMQ_DIST_PORT: String(first + OTHERS.queueNodes),
      ERL_EPMD_PORT: String(first + OTHERS.epmd),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_MNESIA_BASE: join(folder, 'rabbitmq'),
      RABBITMQ_LOG_BASE: join(folder, 'rabbitmq-log'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'rabbitmq-plugins'),
      RABBITMQ_CONF_ENV_FILE: '/dev/null',
      ERL_CRASH_DUMP: '/dev/null',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    },
  })
  return [database, queue]
}

const run = ({ python, env }: Tools, program: string, ...args: string[]): Promise<string> =>
  finish({ command: python, args: [join(dirname(python), program), ...args], env })

const configOf = ({ folder }: Tools, name: string): string =>
  `--config-file=${join(folder, 'etc', name, `${name === 'glance' ? 'glance-api' : name}.conf`)}`

/** Tables of each service, two at a time. */
const migrate = async (tools: Tools): Promise<void> => {
  const of = (name: string) => configOf(tools, name)
  const keystone = async () => {
    await run(tools, 'keystone-manage', of('keystone'), 'db_sync')
    const owner = ['--keystone-user', 'root', '--keystone-group', 'root']
    await run(tools, 'keystone-manage', of('keystone'), 'fernet_setup', ...owner)
    await run(tools, 'keystone-manage', of('keystone'), 'credential_setup', ...owner)
    const admin = ['--bootstrap-password', SECRET, '--bootstrap-region-id', 'RegionOne']
    const url = `${urlOf(tools.first, 'keystone')}/v3`
    const urls = ['public', 'internal', 'admin'].flatMap((each) => [`--bootstrap-${each}-url`, url])
    await run(tools, 'keystone-manage', of('keystone'), 'bootstrap', ...admin, ...urls)
  }
  const nova = async () => {
    await run(tools, 'nova-manage', of('nova'), 'api_db', 'sync')
    const cell = `mysql+pymysql://openstack:${SECRET}@127.0.0.1:${tools.first + OTHERS.database}/nova_cell0?charset=utf8`
    await run(tools, 'nova-manage', of('nova'), 'cell_v2', 'map_cell0', '--database_connection', cell)
    await run(tools, 'nova-manage', of('nova'), 'db', 'sync')
    await run(tools, 'nova-manage', of('nova'), 'cell_v2', 'create_cell', '--name=cell1')
  }
  const others = async () => {
    await keystone()
    await run(tools, 'placement-manage', of('placement'), 'db', 'sync')
    await run(tools, 'glance-manage', of('glance'), 'db', 'sync')
    await run(tools, 'cinder-manage', of('cinder'), 'db', 'sync')
    await run(tools, 'neutron-db-manage', of('neutron'), 'upgrade', 'heads')
  }
  await Promise.all([nova(), others()])
}

const CONDUCTOR_MS = 15_000

const begin = async (tools: Tools, children: Child[]): Promise<void> => {
  const program = (name: string, ...args: string[]): Child =>
    launch({ command: tools.python, args: [join(dirname(tools.python), name), ...args], env: tools.env, group: true })
  const api = async (service: Service): Promise<void> => {
    const args = [join(GROUND, 'serve.py'), service.application, String(tools.first + service.port)]
    const own = service.name === 'cinder' ? [configOf(tools, 'cinder')] : []
    const child = launch({ command: tools.python, args: [...args, ...own], env: tools.env, group: true })
    children.push(child)
    await patiently(
      async () => {
        if (child.process.exitCode !== null) throw new Error(`${service.name} ended:\n${child.tail()}`)
        await fetch(urlOf(tools.first, service.name))
      },
      120_000,
      () => child.process.exitCode !== null,
    )
  }
  for (const service of SERVICES) {
    await api(service)
    if (service.name === 'keystone') await once(tools.folder, 'enrolled', () => enrol(tools.first))
  }
  for (const name of ['nova-conductor', 'nova-scheduler']) children.push(program(name, configOf(tools, 'nova')))
  for (const name of ['cinder-scheduler', 'cinder-volume', 'cinder-backup'])
    children.push(program(name, configOf(tools, 'cinder')))
  // It ends where no conductor answers it at once.
  await new Promise((resolve) => setTimeout(resolve, CONDUCTOR_MS))
  children.push(program('nova-compute', configOf(tools, 'nova')))
}
