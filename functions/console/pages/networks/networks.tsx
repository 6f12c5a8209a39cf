import type { ComponentType } from 'preact'
import type { PageProps } from '../../page.ts'
import { Heading } from '../../parts/heading.tsx'
import { Sections } from '../../parts/sections.tsx'
import { linkTo } from '../../router.ts'
import { FloatingIps } from './floating-ips.tsx'
import { NetworkList } from './network-list.tsx'
import { Routers } from './routers.tsx'
import { SecurityGroups } from './security-groups.tsx'
import { Topology } from './topology.tsx'

const PARTS: [name: string, title: string, Part: ComponentType][] = [
  ['', 'Networks', NetworkList],
  ['topology', 'Topology', Topology],
  ['routers', 'Routers', Routers],
  ['groups', 'Security groups', SecurityGroups],
  ['addresses', 'Floating IPs', FloatingIps],
]

/** What servers are plugged into, and what is let through to them. */
const Networks = ({ query }: PageProps) => {
  const current = query.get('part') ?? ''
  const [, , Part] = PARTS.find(([name]) => name === current) ?? PARTS[0]!
  return (
    <>
      <Heading title="Networks" />
      <Sections
        label="Parts of the networks"
        parts={PARTS}
        current={current}
        at={(part) => linkTo('/networks', {}, { part })}
      />
      <Part />
    </>
  )
}

export default Networks
