import { useChanges } from '../../api/events.ts'
import { ofProject } from '../../api/of-project.ts'
import { bothOf, type Choices, useChoices } from '../../api/use-choices.ts'
import { Card } from '../../parts/card.tsx'
import { Command } from '../../parts/command.tsx'
import { Empty } from '../../parts/empty.tsx'
import { FaultNote } from '../../parts/fault.tsx'
import { toneOf } from '../../parts/status.tsx'
import { linkTo } from '../../router.ts'
import { door, has } from '../../session/session.ts'
import { useStore } from '../../store.ts'
import { type Server, zoneOf } from '../servers/shapes.ts'
import { COLUMNS, mapOf, type Node, type Told, WIDTH, type Wire } from './map.ts'
import { Reach } from './reach.tsx'
import type { Network, Port, Router, Subnet } from './shapes.ts'

/** What is plugged into what, as a map. */
export const Topology = () => {
  const { session } = useStore(door)
  // To an administrator lists are of all projects: the map is of this one, and of what leads out of it.
  const isAdmin = has(session, 'admin')
  const own = useChoices<Network>('network', isAdmin ? ofProject('/networks') : '/networks', 'networks')
  const shared = useChoices<Network>('network', isAdmin ? '/networks?shared=true' : null, 'networks')
  const outside = useChoices<Network>('network', isAdmin ? '/networks?router:external=true' : null, 'networks')
  const networks = bothOf(bothOf(own, shared), outside)
  const subnets = useChoices<Subnet>('network', isAdmin ? ofProject('/subnets') : '/subnets', 'subnets')
  const routers = useChoices<Router>('network', ofProject('/routers'), 'routers')
  const ports = useChoices<Port>('network', ofProject('/ports'), 'ports')
  // Readers are told of none: the map is drawn without.
  const segments = useChoices<Told['segments'][number]>(
    'network',
    has(session, 'member') ? '/segments' : null,
    'segments',
    true,
  )
  const servers = useChoices<Server>('compute', '/servers/detail', 'servers')
  useChanges(['server'], () => {
    servers.again()
    ports.again()
  })
  const all: Record<string, Choices<unknown>> = { networks, subnets, routers, ports, servers }
  const fault = Object.values(all).find((each) => each.fault)?.fault
  if (fault) return <FaultNote fault={fault} again={() => Object.values(all).forEach((each) => void each.again())} />
  if (Object.values(all).some(({ asking }) => asking)) return <p class="quiet waiting">Asking…</p>
  const cut = Object.entries(all).filter(([, each]) => each.cut)
  const told: Told = {
    networks: networks.rows,
    subnets: subnets.rows,
    routers: routers.rows,
    ports: ports.rows,
    segments: segments.rows,
    isCut: ports.cut,
    servers: servers.rows.map((server) => ({
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
      {cut.length > 0 && (
        <p class="note">
          The map is not whole: {cut.map(([name, { rows }]) => `the first ${rows.length} ${name}`).join(', ')} are
          drawn, and there are more.
        </p>
      )}
      <Card title="In words">
        <ul class="plain-list">
          {nodes
            .filter(({ kind }) => kind === 'network' || kind === 'router')
            .map((node) => (
              <li key={node.id}>{wordsOf(node, wires, told.isCut)}</li>
            ))}
        </ul>
      </Card>
      {session?.project && <Reach projectId={session.project.id} />}
      <Command lines={['openstack network list', 'openstack router list', 'openstack port list --long']} />
    </div>
  )
}

const wordsOf = (node: Node, wires: Wire[], isCut: boolean): string => {
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
  return `${node.name} (${node.lines.join(', ')}) has ${servers.length ? servers.join(', ') : isCut ? 'none of the servers that are drawn' : 'no server of the project'} on it.`
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
      {kind === 'server' && <circle class={`lamp ${toneOf(status)}`} cx={x + 13} cy={y + 15} r="4.5" />}
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
