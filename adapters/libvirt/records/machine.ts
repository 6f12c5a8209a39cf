import type { NativeId } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { contains, parseAddress, parseCidr } from '../../shared/cidr.ts'
import type { HostOption } from '../options.ts'
import type { Host } from '../wire/host.ts'
import type { VolumeRef } from '../wire/procedures.ts'
import { type Domain, type DomainDisk, domainOf, domainsOn, type Plug } from './domain.ts'
import { fewAtATime } from './few.ts'
import { idOn } from './ids.ts'
import { type Network, networksOn } from './network.ts'
import { type PortRecord, portId, portsOn } from './tables.ts'
import { type Volume, volumeAt, volumesOn } from './volume.ts'
import { isPart } from './volume-name.ts'

/** A card of a machine, as the port that it is. */
export interface MachinePort {
  id: NativeId
  mac: string
  network: NativeId
  addresses: string[]
  /** Those of them that lie in a subnet. */
  placed: { subnet: NativeId; address: string }[]
}
/** A domain together with what it stands on. */
export interface Machine {
  id: NativeId
  host: Pick<HostOption, 'name' | 'zone'>
  domain: Domain
  /** `id` null: it is in no pool, or the server's `own`, so it is no volume. */
  disks: { id: NativeId | null; own: boolean; target: string; format: string; root: boolean }[]
  /** Of its cards those that are plugged into a network. */
  ports: MachinePort[]
}

/** A network of libvirt's, and a bridge or a device of a host, as networks. */
export const networkId = (host: Pick<HostOption, 'name'>, plug: Plug, known: Network[]): NativeId | null => {
  if (plug.kind !== 'network')
    return idOn(host, plug.kind, plug.vlan === null ? plug.name : `${plug.name}/${plug.vlan}`)
  const network = known.find(({ ref }) => ref.name === plug.name)
  return network ? (network.note?.spec.network ?? idOn(host, 'network', network.ref.uuid)) : null
}

/** A block of a network, as a subnet. */
export const subnetId = (network: NativeId, cidr: string): NativeId => `${network}/${cidr}`

/** Whether an address lies in a block. */
const within = (cidr: string, address: string): boolean => {
  const [block, found] = [parseCidr(cidr), parseAddress(address)]
  if (!block || !found) return false
  return contains(block, { family: found.family, first: found.value, prefix: found.family === 4 ? 32 : 128 })
}

const portsOf = (host: Host, { ref, cards }: Domain, { networks, reserved }: Ground): MachinePort[] =>
  cards.flatMap(({ mac, plug }) => {
    const network = plug && networkId(host, plug, networks)
    if (!plug || !network) return []
    const found = networks.find(({ ref: { name } }) => plug.kind === 'network' && name === plug.name)
    const record = found && reserved.get(portId(host, found.ref.uuid, mac))
    if (record) {
      const { id, spec } = record
      return [{ id, mac, network, addresses: spec.addresses.map(({ address }) => address), placed: spec.addresses }]
    }
    const own = found?.addresses.get(mac) ?? []
    const placed = own.flatMap((address) => {
      const block = found!.blocks.find(({ cidr }) => within(cidr, address))
      return block ? [{ subnet: subnetId(idOn(host, 'network', found!.ref.uuid), block.cidr), address }] : []
    })
    return [{ id: idOn(host, ref.uuid, mac), mac, network, addresses: own, placed }]
  })

/** What the cards of a host's machines are plugged into, and the ports that were reserved there. */
interface Ground {
  networks: Network[]
  reserved: Map<NativeId, PortRecord>
}
const groundOf = async (host: Host): Promise<Ground> => {
  const [networks, ports] = await Promise.all([networksOn(host), portsOn(host)])
  return { networks, reserved: new Map(ports.map((port) => [port.id, port])) }
}

const volumeOf = async (host: Host, { place }: DomainDisk): Promise<Pick<VolumeRef, 'pool' | 'name'> | null> => {
  if (place === null) return null
  return 'pool' in place ? { pool: place.pool, name: place.volume } : volumeAt(host, place.path)
}

const grounded = async (host: Host, domain: Domain, ground: Ground): Promise<Machine> => ({
  id: idOn(host, domain.ref.uuid),
  host: { name: host.name, zone: host.zone },
  domain,
  disks: await Promise.all(
    domain.disks.map(async (disk) => {
      const { target, format, root } = disk
      const volume = await volumeOf(host, disk)
      const own = volume !== null && isPart(volume.name)
      return { id: volume && !own ? idOn(host, volume.pool, volume.name) : null, own, target, format, root }
    }),
  ),
  ports: portsOf(host, domain, ground),
})

/** Every machine of a host. */
export const machinesOn = async (host: Host): Promise<Machine[]> => {
  const [domains, ground] = await Promise.all([domainsOn(host), groundOf(host)])
  return fewAtATime(domains, (domain) => grounded(host, domain, ground))
}

/**
 * Nothing may change beneath a disk that has its data in another one, nor beside one that is read by another way.
 * @throws `conflict` where a volume that is no disk of any machine is used all the same
 */
export const assertUnused = async (host: Host, { path }: Volume, machines: Machine[]): Promise<void> => {
  const used =
    machines.some(({ domain }) => domain.paths.includes(path)) ||
    (await volumesOn(host)).some(({ backing }) => backing === path)
  if (used) throw new CloudError('conflict', 'Something else on the cloud still uses this object.')
}

/** One machine by the UUID of its domain; null if there is none. */
export const machineOf = async (host: Host, uuid: string): Promise<Machine | null> => {
  const domain = await domainOf(host, uuid)
  return domain && grounded(host, domain, await groundOf(host))
}
