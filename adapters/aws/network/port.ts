import {
  AssignPrivateIpAddressesCommand,
  CreateNetworkInterfaceCommand,
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteTagsCommand,
  ModifyNetworkInterfaceAttributeCommand,
  type NetworkInterface,
  UnassignPrivateIpAddressesCommand,
} from '@aws-sdk/client-ec2'
import { type NativeId, type PortSeen, type PortSpec, type Reading, type Realm, reading } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { parseAddress } from '../../shared/cidr.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { OPEN_GROUP, PAIRS_TAG, tagged, tagsFor, tagValue } from '../marks.ts'
import { addressesOf, ports } from '../records/port.ts'
import { rename } from '../records/reader.ts'
import { dropOpenGroups, openGroup } from './open-group.ts'

/** @throws `definitive` for what an elastic network interface cannot be */
const check = (spec: PortSpec): void => {
  const [first] = spec.addresses
  if (!first) refuse('A port on this cloud needs a fixed address.')
  if (spec.addresses.some(({ subnet }) => subnet !== first!.subnet)) refuse('A port on this cloud is in one subnet.')
  if (spec.addresses.some(({ address }) => parseAddress(address)?.family !== 4))
    refuse('Ports on this cloud carry IPv4 only.')
  if (spec.addressPairs?.some(({ mac }) => mac !== null))
    refuse('An interface of this cloud sends from its own MAC address alone.')
  if (spec.dhcpOptions?.length) refuse('This cloud has DHCP options of a whole VPC alone.')
  if (spec.bandwidth?.length) refuse('This cloud limits what passes an interface by the size of its server alone.')
  // Without a group EC2 takes the VPC's default one, which admits its members and lets everything out.
  if (spec.portSecurity && spec.securityGroups.length === 0)
    refuse('A port on this cloud is in one security group at least.')
}

const groupsOf = (eni: NetworkInterface): NativeId[] => (eni.Groups ?? []).flatMap(({ GroupId }) => GroupId ?? [])

/** It was made without port security, by us. */
const isOpen = (eni: NetworkInterface): boolean =>
  eni.Groups?.some(({ GroupName }) => GroupName === OPEN_GROUP) ?? false

/** Its check of source and destination is off because of the pairs of its port, and for no other reason. */
const isPaired = (eni: NetworkInterface): boolean => tagValue(eni.TagSet, PAIRS_TAG) !== undefined

/** The groups that an interface has to be in; without port security that which lets everything pass. */
const groupsFor = async (context: Context, { portSecurity, securityGroups, network }: PortSpec): Promise<NativeId[]> =>
  portSecurity ? securityGroups : [await openGroup(context, network)]

/** An interface as a port, whoever made it. @throws `definitive` for one of the cloud's own services */
const readPort = (eni: NetworkInterface): Reading<PortSpec> => {
  if (eni.InterfaceType && eni.InterfaceType !== 'interface')
    refuse(`It is a network interface of a ${eni.InterfaceType}.`)
  if (eni.RequesterManaged) refuse('The cloud manages the network interface for one of its own services.')
  const left = [
    ...(eni.Ipv6Addresses?.length ? ['It has IPv6 addresses.'] : []),
    ...(eni.Ipv4Prefixes?.length || eni.Ipv6Prefixes?.length ? ['It has whole address prefixes.'] : []),
    ...(eni.SourceDestCheck === false && !isOpen(eni) && !isPaired(eni)
      ? ['It forwards packets that are not its own.']
      : []),
  ]
  const spec = {
    name: tagValue(eni.TagSet, 'Name') || eni.NetworkInterfaceId || '',
    network: eni.VpcId ?? '',
    addresses: addressesOf(eni).map((address) => ({ subnet: eni.SubnetId ?? '', address })),
    mac: eni.MacAddress ?? '',
    securityGroups: isOpen(eni) ? [] : groupsOf(eni),
    portSecurity: !isOpen(eni),
  }
  return reading(spec, { left })
}

/**
 * A port is an elastic network interface. EC2 chooses the MAC address and we report it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html (ClientToken)
 */
export const port = (context: Context): Realm<PortSpec, PortSeen> => {
  const { ec2, options, connection } = context
  const enis = ports(context)

  /**
   * Brings groups and check in line; what is closed again is checked before it leaves the group, or loses the tag, that tells so.
   * EC2 keeps no list of addresses: with a pair its check is off as a whole, and the port's groups alone say what passes.
   * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html (SourceDestCheck)
   */
  const filter = async (eni: NetworkInterface, spec: PortSpec): Promise<void> => {
    const { NetworkInterfaceId, SourceDestCheck, VpcId = null } = eni
    const tag = { Resources: [NetworkInterfaceId ?? ''], Tags: [{ Key: PAIRS_TAG }] }
    const pairs = spec.portSecurity && !!spec.addressPairs?.length
    const check = (Value: boolean) =>
      ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, SourceDestCheck: { Value } }))
    const Groups = await groupsFor(context, spec)
    const closes = spec.portSecurity && isOpen(eni)
    if (pairs && !isPaired(eni) && (closes || SourceDestCheck !== false))
      await ec2.send(new CreateTagsCommand({ ...tag, Tags: [{ Key: PAIRS_TAG, Value: 'allowed' }] }))
    if (!pairs && spec.portSecurity && (closes || isPaired(eni)) && SourceDestCheck === false) await check(true)
    if (groupsOf(eni).toSorted().join() !== Groups.toSorted().join())
      await ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId, Groups }))
    if ((pairs || !spec.portSecurity) && SourceDestCheck !== false) await check(false)
    if (!pairs && isPaired(eni)) await ec2.send(new DeleteTagsCommand(tag))
    if (closes) await dropOpenGroups(context, VpcId)
  }

  /** The first address is that of the interface for good; those behind it come and go, in a server too. */
  const readdress = async (eni: NetworkInterface, { addresses }: PortSpec): Promise<void> => {
    const { NetworkInterfaceId, PrivateIpAddress } = eni
    const wanted = addresses.map(({ address }) => address)
    if (PrivateIpAddress === undefined || !wanted.includes(PrivateIpAddress))
      refuse('The first fixed address of a port on this cloud does not change.')
    const present = addressesOf(eni)
    const away = present.filter((address) => !wanted.includes(address))
    const more = wanted.filter((address) => !present.includes(address))
    if (away.length)
      await ec2.send(new UnassignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: away }))
    if (more.length)
      await ec2.send(new AssignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: more }))
  }

  return markedRealm<PortSpec, PortSeen, NetworkInterface>(connection, enis, {
    once: 'token',
    settleMs: options.settleMs,
    check,
    async create(spec, mark) {
      const Groups = await groupsFor(context, spec)
      const { NetworkInterface } = await ec2.send(
        new CreateNetworkInterfaceCommand({
          ClientToken: mark.token,
          SubnetId: spec.addresses[0]!.subnet,
          PrivateIpAddresses: spec.addresses.map(({ address }, i) => ({ PrivateIpAddress: address, Primary: i === 0 })),
          Groups,
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'network-interface'),
        }),
      )
      // The create answer calls the tags `TagSet`, empty on some endpoints; the mark is the one that we sent.
      return { ...(await enis.one(NetworkInterface!)), mark, name: spec.name }
    },
    async update(eni, spec) {
      const { NetworkInterfaceId = '' } = eni
      await readdress(eni, spec)
      await filter(eni, spec)
      await rename(context, NetworkInterfaceId, eni.TagSet, spec.name)
      return enis.again(NetworkInterfaceId)
    },
    async remove(eni) {
      const { NetworkInterfaceId, Status, VpcId = null } = eni
      if (Status === 'in-use') throw new CloudError('conflict', 'The port is still plugged into a server.')
      await ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId }))
      if (isOpen(eni)) await dropOpenGroups(context, VpcId)
    },
    // Of which VPC it was nobody can tell any more.
    removeRest: () => dropOpenGroups(context, null),
    read: readPort,
  })
}
