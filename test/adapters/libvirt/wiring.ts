import * as calls from '../../../adapters/libvirt/wire/procedures.ts'
import { child, childrenOf, parseXml, textOf } from '../../../adapters/shared/xml.ts'
import { type Play, plays, Said } from './scripted.ts'

interface Wire {
  ref: calls.NetworkRef
  /** As it runs; null: it does not. */
  live: string | null
  /** As it is kept; null: it is somebody's, and only looked at. */
  kept: string
  atBoot: boolean
}

const DELETE = 2

/** The definition with an entry of DHCP more or less, as libvirt has it. */
const withEntry = (xml: string, command: number, entry: string): string => {
  const { attributes } = parseXml(entry)
  const [mac, ip] = [attributes.get('mac'), attributes.get('ip')]
  const hosts = childrenOf(child(parseXml(xml), 'ip', 'dhcp'), 'host').map(({ attributes: own }) => ({
    mac: own.get('mac'),
    ip: own.get('ip'),
  }))
  const there = hosts.some((each) => each.mac === mac && each.ip === ip)
  if (command === DELETE && !there) throw new Said(55, "couldn't locate a matching dhcp host entry")
  if (command !== DELETE && hosts.some((each) => each.mac === mac || each.ip === ip))
    throw new Said(55, 'there is an existing dhcp host entry')
  const left = hosts.filter((each) => each.mac !== mac || each.ip !== ip)
  const entries = [...left, ...(command === DELETE ? [] : [{ mac, ip }])]
  const dhcp = entries.map((each) => `<host mac="${each.mac}" ip="${each.ip}"/>`).join('')
  const bare = xml.replace(/<dhcp>.*?<\/dhcp>/s, '')
  return dhcp ? bare.replace('</ip>', `<dhcp>${dhcp}</dhcp></ip>`) : bare
}

/** The networks and filters of a host, as libvirt keeps them. */
export const wiring = (others: { name: string; uuid: string; xml: string }[]) => {
  const wires: Wire[] = others.map(({ name, uuid, xml }) => ({
    ref: { name, uuid },
    live: xml,
    kept: xml,
    atBoot: false,
  }))
  const filters = new Map<string, string>()
  /** Filters in the order in which they were defined. */
  const defined: string[] = []
  /** Bridges that cannot come up, for a range that the host has by itself. */
  const host = { refuses: '', broken: false }
  const known = (uuid: string): Wire => {
    const found = wires.find(({ ref }) => ref.uuid === uuid)
    if (!found) throw new Said(43, 'Network not found')
    return found
  }
  const script: Play[] = [
    plays(calls.LIST_NETWORKS, () => ({ items: wires.map(({ ref }) => ref), count: wires.length })),
    plays(calls.FIND_NETWORK, ({ uuid }) => ({ network: known(uuid).ref })),
    plays(calls.NETWORK_XML, ({ network, flags }) => {
      const { live, kept } = known(network.uuid)
      return { xml: flags === 1 ? kept : (live ?? kept) }
    }),
    plays(calls.NETWORK_RUNS, ({ network }) => ({ active: known(network.uuid).live === null ? 0 : 1 })),
    plays(calls.DHCP_LEASES, () => {
      throw new Said(55, 'network is not active')
    }),
    plays(calls.DEFINE_NETWORK, ({ xml }) => {
      const root = parseXml(xml)
      const ref = { name: textOf(root, 'name')!, uuid: textOf(root, 'uuid')! }
      const there = wires.find(({ ref: { uuid } }) => uuid === ref.uuid)
      if (there) there.kept = xml
      else wires.push({ ref, live: null, kept: xml, atBoot: false })
      return { network: ref }
    }),
    plays(calls.START_NETWORK, ({ network }) => {
      const wire = known(network.uuid)
      if (wire.live !== null) throw new Said(55, 'network is already active')
      if (host.refuses && wire.kept.includes(host.refuses)) throw new Said(1, 'Network is already in use by interface')
      wire.live = wire.kept
      return null
    }),
    plays(calls.START_NETWORK_AT_BOOT, ({ network, autostart }) => {
      known(network.uuid).atBoot = autostart === 1
      return null
    }),
    plays(calls.STOP_NETWORK, ({ network }) => {
      known(network.uuid).live = null
      return null
    }),
    plays(calls.UNDEFINE_NETWORK, ({ network }) => {
      wires.splice(wires.indexOf(known(network.uuid)), 1)
      return null
    }),
    plays(calls.UPDATE_NETWORK, ({ network, command, section, xml, flags }) => {
      if (section !== 4) throw new Said(84, "can't update that section")
      const wire = known(network.uuid)
      if (flags & calls.LIVE) wire.live = withEntry(wire.live!, command, xml)
      if (flags & calls.KEPT) wire.kept = withEntry(wire.kept, command, xml)
      return null
    }),
    plays(calls.LIST_FILTERS, () => {
      const items = [...filters].map(([name, xml]) => ({ name, uuid: textOf(parseXml(xml), 'uuid')! }))
      return { items, count: items.length }
    }),
    plays(calls.FIND_FILTER, ({ name }) => {
      if (!filters.has(name)) throw new Said(62, 'no nwfilter')
      return { filter: { name, uuid: textOf(parseXml(filters.get(name)!), 'uuid')! } }
    }),
    plays(calls.DEFINE_FILTER, ({ xml }) => {
      if (host.broken) throw new Said(38, 'cannot run ebtables')
      const root = parseXml(xml)
      const name = root.attributes.get('name')!
      filters.set(name, xml)
      defined.push(name)
      return { filter: { name, uuid: textOf(root, 'uuid')! } }
    }),
    plays(calls.UNDEFINE_FILTER, ({ filter }) => {
      filters.delete(filter.name)
      return null
    }),
  ]
  return { wires, filters, defined, host, script }
}
