import { PEOPLE, type Who } from '../../differential/line.ts'
import type { Said, Side } from '../../differential/side.ts'
import { patiently } from '../support/patiently.ts'
import { SECRET } from './configuration.ts'

/** The first part of a path in stories, and the type of the service that it is. */
const PLACES: Record<string, string> = {
  identity: 'identity',
  image: 'image',
  network: 'network',
  compute: 'compute',
  volume: 'block-storage',
}
const STEP_MS = 1_000
const LONGEST_MS = 60_000

const JSON_TYPE = { 'Content-Type': 'application/json' }

type Body = Record<string, unknown>

/** The services themselves, furnished as the embedded cloud is: an image, a network that leads outside, people in projects. */
export const theirs = async (urls: Record<string, string>): Promise<Side> => {
  const tokens: Partial<Record<Who, string>> = {}
  const send = async (
    who: Who,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
  ): Promise<Said> => {
    const [, first = ''] = path.split(/[/?]/)
    const base = urls[PLACES[first] ?? '']
    if (!base) throw new Error(`There is no service at ${path}`)
    const token = tokens[who]
    const response = await fetch(base + (path.slice(first.length + 1) || '/'), {
      method,
      headers: { ...(token ? { 'X-Auth-Token': token } : {}), ...headers },
      redirect: 'manual',
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  // biome-ignore lint/suspicious/noExplicitAny: answers of many kinds
  const must = async (method: string, path: string, body?: Body): Promise<any> => {
    const said = await send('admin', method, path, JSON_TYPE, body && JSON.stringify(body))
    if (said.status >= 300) throw new Error(`${method} ${path}: ${said.status} ${said.text}`)
    return said.text ? JSON.parse(said.text) : null
  }
  const logIn = async (name: Who, project: string): Promise<{ project: string; user: string }> => {
    const domain = { id: 'default' }
    const user = { name, domain, password: SECRET }
    const identity = { methods: ['password'], password: { user } }
    const auth = { identity, scope: { project: { name: project, domain } } }
    const said = await send('nobody', 'POST', '/identity/v3/auth/tokens', JSON_TYPE, JSON.stringify({ auth }))
    tokens[name] = said.headers.get('x-subject-token') ?? undefined
    const { token } = JSON.parse(said.text)
    return { project: token.project.id, user: token.user.id }
  }
  const vars: Record<string, string> = { password: SECRET }
  const known = (name: Who, { project, user }: { project: string; user: string }) => {
    vars[`p_${name}`] = project
    vars[`u_${name}`] = user
  }
  /** By its name, so that a ground that stands can be recorded from again. */
  const furnish = async (path: string, one: string, wish: Body & { name: string }, wrapped = true): Promise<string> => {
    const there = (await must('GET', `${path}?name=${wish.name}`))[`${one}s`]
    const found = there.find((each: Body) => each.name === wish.name)
    const made = found ?? (await must('POST', path, wrapped ? { [one]: wish } : wish))
    return (made[one] ?? made).id
  }
  known('admin', await logIn('admin', 'admin'))
  const { roles } = await must('GET', '/identity/v3/roles')
  for (const { name, id } of roles) vars[`r_${name}`] = id
  for (const name of PEOPLE.filter((each) => each !== 'admin' && each !== 'nobody')) {
    const home = name === 'reader' ? 'demo' : name
    const project = await furnish('/identity/v3/projects', 'project', { name: home })
    const user = await furnish('/identity/v3/users', 'user', { name, password: SECRET })
    for (const role of name === 'reader' ? ['reader'] : ['member', 'reader'])
      await must('PUT', `/identity/v3/projects/${project}/users/${user}/roles/${vars[`r_${role}`]}`)
    known(name, await logIn(name, home))
  }
  // Hosts are there when they have said so.
  await patiently(async () => {
    const compute = (await must('GET', '/compute/v2.1/os-hypervisors')).hypervisors
    const { services } = await must('GET', `/volume/v3/${vars.p_admin}/os-services`)
    const up = services.filter(({ state }: Body) => state === 'up')
    if (!compute.length || up.length < 3) throw new Error(`${compute.length} hosts of servers, ${up.length} of volumes`)
  }, 120_000)
  const wire = { 'provider:network_type': 'flat', 'provider:physical_network': 'public' }
  vars.ext = await furnish('/network/v2.0/networks', 'network', { name: 'public', 'router:external': true, ...wire })
  const range = { network_id: vars.ext, ip_version: 4, cidr: '203.0.113.0/24', enable_dhcp: false }
  await furnish('/network/v2.0/subnets', 'subnet', { name: 'public-subnet', ...range })
  const image = { name: 'furniture', disk_format: 'raw', container_format: 'bare', visibility: 'public' }
  vars.image = await furnish('/image/v2/images', 'image', image, false)
  const bytes = { 'Content-Type': 'application/octet-stream' }
  await send('admin', 'PUT', `/image/v2/images/${vars.image}/file`, bytes, new Uint8Array(1024))
  await furnish(`/volume/v3/${vars.p_admin}/types`, 'volume_type', { name: 'default' })
  return {
    vars,
    bases: Object.fromEntries(Object.entries(PLACES).map(([first, type]) => [first, urls[type]!])),
    send,
    rest: async (turn) => {
      await new Promise((resolve) => setTimeout(resolve, STEP_MS))
      return turn * STEP_MS < LONGEST_MS
    },
  }
}
