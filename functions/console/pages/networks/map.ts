import { nameOf } from '../../parts/words.ts'
import type { Network, Port, Router, Subnet } from './shapes.ts'

/** What a map is drawn of: as the services told it. */
export interface Told {
  networks: Network[]
  subnets: Subnet[]
  routers: Router[]
  ports: Port[]
  segments: { id: string; network_id: string; name: string | null; physical_network: string | null }[]
  servers: { id: string; name: string; status: string; zone: string }[]
  /** There are more ports than these: what is on no network by them may be on one. */
  isCut: boolean
}

export interface Node {
  id: string
  kind: 'outside' | 'router' | 'network' | 'server' | 'more'
  name: string
  /** What stands below the name. */
  lines: string[]
  status: string
  x: number
  y: number
  width: number
  height: number
}
export interface Wire {
  id: string
  from: Node
  to: Node
  out: boolean
}

const LINE = 16
/** So many servers of a network are drawn; of the rest their number. */
const MOST = 8
/** Where each column begins, and how wide it is. */
export const COLUMNS = {
  outside: [12, 150],
  router: [222, 150],
  network: [432, 230],
  server: [722, 190],
} as const
export const WIDTH = 924

const heightOf = (lines: number): number => 30 + lines * LINE
const node = (kind: Node['kind'], id: string, name: string, lines: string[], status: string): Node => {
  const [x, width] = COLUMNS[kind === 'more' ? 'server' : kind]
  return { id, kind, name, lines, status, x, y: 0, width, height: heightOf(lines.length) }
}

/** The servers of each network, each at the first network that it is on. */
const serversBy = ({ ports, servers }: Told): Map<string, Told['servers']> => {
  const placed = new Set<string>()
  const by = new Map<string, Told['servers']>()
  for (const { network_id: network, device_id: device } of ports) {
    const server = servers.find(({ id }) => id === device)
    if (!server || placed.has(device)) continue
    placed.add(device)
    by.set(network, [...(by.get(network) ?? []), server])
  }
  return by
}

/** Puts nodes below each other, each as near to where it wants to be as the one above lets it. */
const spread = (nodes: Node[], wanted: (node: Node) => number): void => {
  let next = 34
  for (const each of [...nodes].sort((one, other) => wanted(one) - wanted(other))) {
    each.y = Math.max(next, wanted(each) - each.height / 2)
    next = each.y + each.height + 14
  }
}
const middle = ({ y, height }: Node): number => y + height / 2

/** Where everything stands: what is outside to the left, servers to the right, and what leads from one to the other. */
export const mapOf = (told: Told): { nodes: Node[]; wires: Wire[]; height: number } => {
  const by = serversBy(told)
  const wires: Wire[] = []
  const servers = new Map<string, Node>()
  const inside: Node[] = []
  let y = 34
  for (const network of told.networks.filter((each) => !each['router:external'])) {
    const own = told.subnets.filter(({ network_id }) => network_id === network.id)
    const segments = told.segments.filter(({ network_id }) => network_id === network.id)
    const lines = [
      ...own.map(({ cidr, name }) => `${cidr}${name ? ` · ${name}` : ''}`),
      ...segments.map(
        ({ id, name, physical_network: where }) => `segment ${name ?? id.slice(0, 8)}${where ? ` on ${where}` : ''}`,
      ),
    ].slice(0, 8)
    const box = node(
      'network',
      network.id,
      nameOf(network),
      lines.length ? lines : [subnetWords(network)],
      network.status,
    )
    const all = by.get(network.id) ?? []
    const drawn = all.slice(0, MOST).map(({ id, name, zone, status }) => node('server', id, name, [zone], status))
    if (all.length > MOST) drawn.push(node('more', `more-${network.id}`, `and ${all.length - MOST} more`, [], ''))
    let at = y
    for (const each of drawn) {
      each.y = at
      at += each.height + 10
      servers.set(each.id, each)
      if (each.kind === 'more') wires.push({ id: `${network.id}-${each.id}`, from: box, to: each, out: false })
    }
    box.y = y
    box.height = Math.max(box.height, at - y - 10)
    y = Math.max(at, y + box.height) + 18
    inside.push(box)
  }
  const loose = told.servers.filter(
    ({ id }) => !servers.has(id) && !told.ports.some(({ device_id }) => device_id === id),
  )
  for (const { id, name, zone, status } of loose.slice(0, MOST)) {
    const each = node('server', id, name, told.isCut ? [zone] : [zone, 'on no network'], status)
    each.y = y
    y += each.height + 10
    servers.set(id, each)
  }
  if (loose.length > MOST) {
    const rest = node('more', 'more-loose', `and ${loose.length - MOST} more`, [], '')
    rest.y = y
    y += rest.height + 10
    servers.set(rest.id, rest)
  }
  const boxes = new Map(inside.map((each) => [each.id, each]))
  for (const { id, network_id: network, device_id: device } of told.ports) {
    const [from, to] = [boxes.get(network), servers.get(device)]
    if (from && to) wires.push({ id, from, to, out: false })
  }
  const routers = told.routers.map((router) =>
    node('router', router.id, nameOf(router), addressesOf(router), router.status),
  )
  const netsOf = ({ id }: Node): Node[] =>
    told.ports.filter(({ device_id }) => device_id === id).flatMap(({ network_id }) => boxes.get(network_id) ?? [])
  spread(routers, (router) => {
    const reached = netsOf(router)
    return reached.length ? reached.reduce((sum, each) => sum + middle(each), 0) / reached.length : y
  })
  for (const router of routers)
    for (const box of new Set(netsOf(router)))
      wires.push({ id: `${router.id}-${box.id}`, from: router, to: box, out: false })
  const outside = told.networks
    .filter((each) => each['router:external'])
    .map((each) => node('outside', each.id, nameOf(each), each.description ? [each.description] : [], each.status))
  const gates = new Map(told.routers.map(({ id, external_gateway_info: gate }) => [id, gate?.network_id]))
  const leading = (box: Node): Node[] => routers.filter(({ id }) => gates.get(id) === box.id)
  spread(outside, (box) => {
    const reached = leading(box)
    return reached.length ? reached.reduce((sum, each) => sum + middle(each), 0) / reached.length : 34
  })
  for (const box of outside)
    for (const router of leading(box)) wires.push({ id: `${box.id}-${router.id}`, from: box, to: router, out: true })
  const nodes = [...outside, ...routers, ...inside, ...servers.values()]
  return { nodes, wires, height: Math.max(120, ...nodes.map((each) => each.y + each.height + 16)) }
}

/** What is said of subnets that are not told: those of others that share a network. */
const subnetWords = ({ subnets }: Network): string =>
  subnets.length ? `${subnets.length} subnet${subnets.length === 1 ? '' : 's'}` : 'no subnet'

const addressesOf = ({ external_gateway_info: gate }: Router): string[] =>
  gate ? (gate.external_fixed_ips?.map(({ ip_address }) => ip_address) ?? []) : ['no gateway']
