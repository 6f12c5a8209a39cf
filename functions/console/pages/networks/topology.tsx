import { useChanges } from '../../api/events.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { linkTo } from '../../router.ts'
import { door } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { type Server, zoneOf } from '../servers/shapes.ts'
import { COLUMNS, mapOf, type Node, type Told, WIDTH, type Wire } from './map.ts'
import { Reach } from './reach.tsx'
import type { Network, Port, Router, Subnet } from './shapes.ts'

/** More than so many of a kind are not drawn: a map of them says nothing. */
const MOST = 500

/** What is plugged into what, as a map. */
export const Topology = () => {
  const { session } = useStore(door)
  const networks = useAnswer<{ networks: Network[] }>('network', `/networks?limit=${MOST}`)
  const subnets = useAnswer<{ subnets: Subnet[] }>('network', `/subnets?limit=${MOST}`)
  const routers = useAnswer<{ routers: Router[] }>('network', `/routers?limit=${MOST}`)
  const ports = useAnswer<{ ports: Port[] }>('network', `/ports?limit=${MOST * 2}`)
  const segments = useAnswer<{ segments: Told['segments'] }>('network', '/segments')
  const servers = useAnswer<{ servers: Server[] }>('compute', `/servers/detail?limit=${MOST}`)
  useChanges(['server'], () => {
    servers.again()
    ports.again()
  })
  const all = [networks, subnets, routers, ports, segments, servers]
  const fault = all.find((each) => each.fault)?.fault
  if (fault) return <FaultNote fault={fault} again={() => all.forEach((each) => void each.again())} />
  if (!networks.value || !subnets.value || !routers.value || !ports.value || !segments.value || !servers.value)
    return <p class="quiet waiting">Asking…</p>
  const told: Told = {
    networks: networks.value.networks,
    subnets: subnets.value.subnets,
    routers: routers.value.routers,
    ports: ports.value.ports,
    segments: segments.value.segments,
    servers: servers.value.servers.map((server) => ({
      id: server.id,
      name: server.name,
      status: server.status,
      zone: zoneOf(server),
    })),
  }
  if (!told.networks.some((each) => !each['router:external']))
    return (
      <Empty title="Nothing to draw yet" command={['openstack network create net1']}>
        <p>Once there is a network, it is here, with its router, its servers, and the way out.</p>
      </Empty>
    )
  const { nodes, wires, height } = mapOf(told)
  return (
    <div class="stack">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <section class="map" aria-label="Map of the networks" tabIndex={0}>
        {/* biome-ignore lint/a11y/useSemanticElements: it is a picture with links in it */}
        <svg viewBox={`0 0 ${WIDTH} ${height}`} role="group" aria-label="What is plugged into what">
          {(
            [
              ['outside', 'Outside'],
              ['router', 'Routers'],
              ['network', 'Networks'],
              ['server', 'Servers'],
            ] as const
          ).map(([kind, title]) => (
            <text key={kind} class="column" x={COLUMNS[kind][0]} y="18">
              {title}
            </text>
          ))}
          {wires.map((wire) => (
            <WireLine key={wire.id} wire={wire} />
          ))}
          {nodes.map((node) => (
            <Box key={node.id} node={node} />
          ))}
        </svg>
      </section>
      {told.servers.length >= MOST && <p class="quiet small">The first {MOST} servers are drawn.</p>}
      <Card title="In words">
        <ul class="plain-list">
          {nodes
            .filter(({ kind }) => kind === 'network' || kind === 'router')
            .map((node) => (
              <li key={node.id}>{wordsOf(node, wires)}</li>
            ))}
        </ul>
      </Card>
      {session?.project && <Reach projectId={session.project.id} />}
      <Command lines={['openstack network list', 'openstack router list', 'openstack port list --long']} />
    </div>
  )
}

const wordsOf = (node: Node, wires: Wire[]): string => {
  const names = (kinds: Node['kind'][]) =>
    wires
      .flatMap(({ from, to }) => (from === node ? [to] : to === node ? [from] : []))
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ name }) => name)
  if (node.kind === 'router') {
    const [inside, outside] = [names(['network']), names(['outside'])]
    return `The router ${node.name} leads ${inside.length ? `from ${inside.join(', ')} ` : 'from nowhere '}${outside.length ? `out to ${outside.join(', ')}` : 'and not out'}.`
  }
  const servers = names(['server', 'more'])
  return `${node.name} (${node.lines.join(', ')}) has ${servers.length ? servers.join(', ') : 'no server'} on it.`
}

/** From the right side of one box to the left side of the other: straight where they stand side by side. */
const WireLine = ({ wire: { from, to, out } }: { wire: Wire }) => {
  const [x1, x2] = [from.x + from.width, to.x]
  const [top, bottom] = [Math.max(from.y, to.y), Math.min(from.y + from.height, to.y + to.height)]
  const clamped = (y: number, { y: above, height }: Node) => Math.min(Math.max(y, above + 12), above + height - 12)
  const [y1, y2] =
    top < bottom
      ? [(top + bottom) / 2, (top + bottom) / 2]
      : [clamped(to.y + to.height / 2, from), clamped(from.y + from.height / 2, to)]
  const half = (x1 + x2) / 2
  return <path class={out ? 'wire out' : 'wire'} d={`M${x1} ${y1} C${half} ${y1} ${half} ${y2} ${x2} ${y2}`} />
}

const TONES: Record<string, string> = { ACTIVE: 'good', ERROR: 'bad', BUILD: 'busy' }
const LINKS: Partial<Record<Node['kind'], string>> = {
  network: '/networks/:id',
  outside: '/networks/:id',
  server: '/servers/:id',
}
const shortened = (text: string, width: number): string => {
  const most = Math.floor(width / 6.9) - 3
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}

const Box = ({ node: { id, kind, name, lines, status, x, y, width, height } }: { node: Node }) => {
  const link = LINKS[kind]
  const label = (
    <text x={x + (kind === 'server' ? 24 : 12)} y={y + 19}>
      {shortened(name, width - (kind === 'server' ? 12 : 0))}
    </text>
  )
  return (
    <g>
      {kind !== 'more' && <rect class={`box ${kind}`} x={x} y={y} width={width} height={height} rx="6" />}
      {kind === 'network' && <path class="rail" d={`M${x} ${y + 6} V${y + height - 6}`} />}
      {kind === 'server' && <circle class={`lamp ${TONES[status] ?? ''}`} cx={x + 13} cy={y + 15} r="4.5" />}
      {link ? (
        <a
          href={linkTo(link, { id })}
          aria-label={`${name}, ${kind === 'outside' ? 'external network' : kind}, ${status}`}
        >
          {label}
        </a>
      ) : (
        label
      )}
      {lines.map((line, i) => (
        <text key={line} class="second" x={x + (kind === 'server' ? 24 : 12)} y={y + 35 + i * 16}>
          {shortened(line, width + 16)}
        </text>
      ))}
    </g>
  )
}
