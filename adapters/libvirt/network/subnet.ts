import { type Realm, reading, type Seen, type SubnetSpec } from '../../contract.ts'
import type { Context } from '../context.ts'
import { pageOf } from '../records/everywhere.ts'
import { atHostOf, idOn, partsOf } from '../records/ids.ts'
import { looking } from '../records/looking.ts'
import { subnetId } from '../records/machine.ts'
import { networkOf, networksOn, type ServedBlock } from '../records/network.ts'
import type { Host } from '../wire/host.ts'

/** The network's own address and broadcast. */
export const RESERVED = { head: 1, tail: 1 }

const seenOf = (host: Host, network: string, { cidr }: ServedBlock): Seen => ({
  id: subnetId(idOn(host, 'network', network), cidr),
  name: cidr,
  health: 'ready',
})

/** A subnet is a block of addresses of a network of libvirt's. */
export const subnet = (context: Context): Realm<SubnetSpec> => {
  const found = (id: string) =>
    atHostOf(context, id, async (host) => {
      const [, uuid = '', cidr = ''] = partsOf(id, 3)
      const block = (await networkOf(host, uuid))?.blocks.find((each) => each.cidr === cidr)
      return block
        ? { block, seen: seenOf(host, uuid, block), network: idOn(host, 'network', uuid), zone: host.zone }
        : null
    })
  return {
    ...looking<SubnetSpec, Seen>('Subnets'),
    get: async (id) => (await found(id))?.seen ?? null,
    list: () =>
      pageOf(context, async (host) =>
        (await networksOn(host)).flatMap(({ ref, blocks }) => blocks.map((block) => seenOf(host, ref.uuid, block))),
      ),
    async read(id) {
      const subnet = await found(id)
      if (!subnet) return null
      const { cidr, gateway, dhcp } = subnet.block
      const spec = { name: cidr, network: subnet.network, cidr, gateway, zone: subnet.zone, dhcp, dnsServers: [] }
      return reading(spec, { lost: ['The subnet is looked at and never changed.'] })
    },
  }
}
