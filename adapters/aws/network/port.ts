import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  ModifyNetworkInterfaceAttributeCommand,
} from '@aws-sdk/client-ec2'
import { type PortSeen, type PortSpec, type Realm, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { parseAddress } from '../../shared/cidr.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { assertOurs, tagged, tagsFor, tagValue } from '../marks.ts'
import { addressesOf, ports } from '../records/port.ts'
import { gone, rename, unlessGone } from '../records/reader.ts'

/** @throws `definitive` for what an elastic network interface cannot be */
const check = (spec: PortSpec): void => {
  const [first] = spec.addresses
  if (!first) refuse('A port on this cloud needs a fixed address.')
  if (spec.addresses.some(({ subnet }) => subnet !== first!.subnet)) refuse('A port on this cloud is in one subnet.')
  if (spec.addresses.some(({ address }) => parseAddress(address)?.family !== 4))
    refuse('Ports on this cloud carry IPv4 only.')
  // Without a group EC2 takes the VPC's default one, which admits its members and lets everything out.
  if (!spec.portSecurity) refuse('This cloud filters the traffic of every port; port security cannot be switched off.')
  if (spec.securityGroups.length === 0) refuse('A port on this cloud is in one security group at least.')
}

/**
 * A port is an elastic network interface. EC2 chooses the MAC address and we report it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html (ClientToken)
 */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const { ec2, options, connection } = context
  const enis = ports(context)
  return {
    once: 'token',
    settleMs: options.settleMs,
    find: enis.find,
    get: enis.get,
    list: enis.list,
    mark: enis.mark,
    async read(id) {
      const eni = await enis.raw(id)
      if (!eni) return null
      if (eni.InterfaceType && eni.InterfaceType !== 'interface')
        refuse(`It is a network interface of a ${eni.InterfaceType}.`)
      if (eni.RequesterManaged) refuse('The cloud manages the network interface for one of its own services.')
      const left = [
        ...(eni.Ipv6Addresses?.length ? ['It has IPv6 addresses.'] : []),
        ...(eni.Ipv4Prefixes?.length || eni.Ipv6Prefixes?.length ? ['It has whole address prefixes.'] : []),
        ...(eni.SourceDestCheck === false ? ['It forwards packets that are not its own.'] : []),
      ]
      const spec = {
        name: tagValue(eni.TagSet, 'Name') || id,
        network: eni.VpcId ?? '',
        addresses: addressesOf(eni).map((address) => ({ subnet: eni.SubnetId ?? '', address })),
        mac: eni.MacAddress ?? '',
        securityGroups: (eni.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? []),
        portSecurity: true,
      }
      return reading(spec, { left })
    },
    async create(spec, mark) {
      check(spec)
      const { NetworkInterface } = await ec2.send(
        new CreateNetworkInterfaceCommand({
          ClientToken: mark.token,
          SubnetId: spec.addresses[0]!.subnet,
          PrivateIpAddresses: spec.addresses.map(({ address }, i) => ({ PrivateIpAddress: address, Primary: i === 0 })),
          Groups: spec.securityGroups,
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'network-interface'),
        }),
      )
      // The create answer calls the tags `TagSet`, empty on some endpoints; the mark is the one that we sent.
      return { ...(await enis.one(NetworkInterface!)), mark, name: spec.name }
    },
    async update(id, spec) {
      check(spec)
      const eni = await enis.raw(id)
      if (!eni) throw gone(id)
      assertOurs(eni.TagSet, connection.deployment)
      const wanted = spec.addresses.map(({ address }) => address)
      if (addressesOf(eni).toSorted().join() !== wanted.toSorted().join()) {
        refuse('The fixed addresses of a port on this cloud do not change.')
      }
      const groups = (eni.Groups ?? []).flatMap((group) => group.GroupId ?? [])
      if (groups.toSorted().join() !== spec.securityGroups.toSorted().join()) {
        await ec2.send(
          new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: id, Groups: spec.securityGroups }),
        )
      }
      await rename(context, id, eni.TagSet, spec.name)
      return enis.again(id)
    },
    async remove(id, mark) {
      const eni = await enis.ours(id, mark)
      if (!eni) return
      if (eni.Status === 'in-use') throw new CloudError('conflict', 'The port is still plugged into a server.')
      await unlessGone(() => ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })))
    },
  }
}
