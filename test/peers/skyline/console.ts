import { createReadStream, existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import type { Api } from '../support/api.ts'
import type { Broker } from '../support/broker.ts'
import { answering, type Child, finish, freePort, launch } from '../support/child.ts'
import { pythonWith } from '../support/python.ts'

export const SKYLINE = '9.0.0'
const REGION = 'RegionOne'
const PASSWORD = 'peers-skyline-password'

export interface Console {
  url: string
  server: Child
  stop(): Promise<void>
}

/** Skyline's server and its console as their packages are, with a user of its own as its installation page makes one. */
export const startSkyline = async (broker: Broker, admin: Api): Promise<Console> => {
  await makeOwnUser(admin)
  const python = await pythonWith('skyline', [`skyline-apiserver==${SKYLINE}`, `skyline-console==${SKYLINE}`])
  const folder = join(broker.folder, 'skyline')
  await mkdir(join(folder, 'policy'), { recursive: true })
  await writeFile(join(folder, 'skyline.yaml'), configuration(broker.url, folder))
  const env = { ...python.env, OS_CONFIG_DIR: folder, PYTHONWARNINGS: 'ignore' }
  const run = (args: string[]) => ({ command: python.command, args, cwd: folder, env })
  const home = (
    await finish(
      run([
        '-c',
        'import skyline_apiserver, skyline_console\nprint(skyline_apiserver.__path__[0])\nprint(skyline_console.static_path)',
      ]),
    )
  )
    .trim()
    .split('\n')
  const [library = '', pages = ''] = home
  await finish(run(['-m', 'alembic', '-c', join(library, 'db/alembic/alembic.ini'), 'upgrade', 'head']))
  const port = await freePort()
  const server = launch({
    ...run(['-m', 'uvicorn', 'skyline_apiserver.main:app', '--host', '127.0.0.1', '--port', String(port)]),
    all: true,
  })
  const own = `http://127.0.0.1:${port}`
  await answering(server, `${own}/api/v1/config`)
  const generated = await finish(run(['-m', 'skyline_apiserver.cmd.generate_nginx']))
  const places = [...generated.matchAll(/location (\/\S+) \{\s*proxy_pass (http:\/\/127\S+);/g)]
  const onward: [string, string][] = places.map(([, from, to]) => [from!, to!])
  onward.push(['/api/openstack/skyline/', `${own}/`])
  const front = createServer((asked, answer) => serve({ asked, answer, onward, pages }))
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(front.address() as AddressInfo).port}`,
    server,
    stop: async () => {
      front.closeAllConnections()
      front.close()
      await server.stop()
    },
  }
}

/** https://docs.openstack.org/skyline-apiserver/latest/install/source-install-ubuntu.html */
const makeOwnUser = async (admin: Api): Promise<void> => {
  const { projects } = await admin.must('GET', '/identity/v3/projects?name=service')
  const project =
    projects[0] ?? (await admin.must('POST', '/identity/v3/projects', { project: { name: 'service' } })).project
  const { user } = await admin.must('POST', '/identity/v3/users', { user: { name: 'skyline', password: PASSWORD } })
  const { roles } = await admin.must('GET', '/identity/v3/roles?name=admin')
  await admin.must('PUT', `/identity/v3/projects/${project.id}/users/${user.id}/roles/${roles[0].id}`)
}

const configuration = (broker: string, folder: string): string => `default:
  database_url: sqlite:///${folder}/skyline.db
  log_dir: ${folder}
  policy_file_path: ${folder}/policy
  ssl_enabled: false
openstack:
  keystone_url: ${broker}/identity/v3/
  default_region: ${REGION}
  system_user_name: skyline
  system_user_password: ${PASSWORD}
  system_project: service
`

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
}

interface Served {
  asked: IncomingMessage
  answer: ServerResponse
  /** What is asked below the one is passed on to below the other. */
  onward: [string, string][]
  pages: string
}

/** What nginx does by the file that Skyline generates for it: pages, Skyline's server, and each service of the catalogue. */
const serve = ({ asked, answer, onward, pages }: Served): void => {
  const url = asked.url ?? '/'
  const place = onward.find(([from]) => url.startsWith(from))
  if (place) pass(asked, answer, place[1] + url.slice(place[0].length))
  else show(url, answer, pages)
}

const show = (url: string, answer: ServerResponse, pages: string): void => {
  const file = join(pages, normalize(url.split('?')[0]!))
  const found = extname(file) && existsSync(file) ? file : join(pages, 'index.html')
  answer.setHeader('Content-Type', TYPES[extname(found)] ?? 'application/octet-stream')
  createReadStream(found).pipe(answer)
}

const pass = (asked: IncomingMessage, answer: ServerResponse, to: string): void => {
  const { host } = new URL(to)
  const onward = request(to, { method: asked.method, headers: { ...asked.headers, host } }, (given) => {
    answer.writeHead(given.statusCode ?? 502, given.headers)
    given.pipe(answer)
  })
  onward.on('error', (error) => {
    if (!answer.headersSent) answer.writeHead(502)
    answer.end(String(error))
  })
  asked.pipe(onward)
}
