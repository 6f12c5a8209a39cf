import {
  CreateSubnetCommand,
  CreateTagsCommand,
  DeleteSubnetCommand,
  DescribeSubnetsCommand,
  type Subnet,
} from '@aws-sdk/client-ec2'
import { type Mark, type Reading, type Realm, reading, type Seen, type SubnetSpec } from '../../contract.ts'
import { formatAddress, formatCidr, parseCidr } from '../../shared/cidr.ts'
import { markedRealm } from '../../shared/realm.ts'
import { orEarlier, refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BLOCKS } from '../limits.ts'
import { DNS_TAG, tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader, rename } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'
import { announceDns, MAX_SERVERS } from './dhcp-options.ts'

/** EC2 keeps the first four addresses of a subnet and the last one. The gateway is the second. */
export const RESERVED = { head: 4, tail: 1 }

/**
 * What EC2 cannot do is refused, not ignored.
 * @throws `definitive`
 */
const check = (spec: SubnetSpec): void => {
  const block = parseCidr(spec.cidr) ?? refuse(`${spec.cidr} is not an address range.`)
  if (block.family === 6) refuse('Subnets on this cloud carry IPv4 only.')
  if (block.prefix < BLOCKS.widest || block.prefix > BLOCKS.narrowest)
    refuse(`Subnets on this cloud are /${BLOCKS.widest} to /${BLOCKS.narrowest}.`)
  if (!spec.dhcp) refuse('Subnets on this cloud always serve DHCP.')
  const router = formatAddress({ family: 4, value: block.first + 1n })
  if (spec.gateway !== null && spec.gateway !== router)
    refuse(`The gateway of ${spec.cidr} on this cloud is ${router}.`)
  if (spec.dnsServers.length > MAX_SERVERS) refuse(`This cloud announces ${MAX_SERVERS} DNS servers at most.`)
}

const subnetsIn = (context: Context): Reader<Subnet, Seen> =>
  reader<Subnet, Seen>(context, {
    idFilter: 'subnet-id',
    idOf: (found) => found.SubnetId,
    tags: (found) => found.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeSubnetsCommand({ Filters, ...paging }))
      return { items: answer.Subnets ?? [], NextToken: answer.NextToken }
    },
    seen: (found) =>
      found.map((item) => ({
        id: item.SubnetId ?? '',
        mark: markOf(context, item.Tags),
        name: tagValue(item.Tags, 'Name'),
        health: item.State === 'available' ? 'ready' : item.State === 'pending' ? 'pending' : 'failed',
        zone: item.AvailabilityZone,
      })),
  })

/** A subnet as it would have been asked for, whoever made it. */
const readSubnet = (item: Subnet): Reading<SubnetSpec> => {
  const block = parseCidr(item.CidrBlock ?? '') ?? refuse('The subnet has no IPv4 addresses.')
  const dns = tagValue(item.Tags, DNS_TAG)
  const spec = {
    name: tagValue(item.Tags, 'Name') || item.SubnetId || '',
    network: item.VpcId ?? '',
    cidr: formatCidr(block),
    gateway: formatAddress({ family: 4, value: block.first + 1n }),
    zone: item.AvailabilityZone ?? '',
    dhcp: true,
    dnsServers: dns ? dns.split(' ') : [],
  }
  const more = item.Ipv6CidrBlockAssociationSet?.length ? ['It has IPv6 addresses.'] : []
  const left = dns === undefined ? [...more, 'Its DNS servers are those that the VPC announces.'] : more
  return reading(spec, { left })
}

/**
 * A subnet in one zone of a VPC. No gateway means no default route: that is the router's work.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html (no ClientToken; CIDRs collide)
 */
export const subnet = (context: Context): Realm<SubnetSpec> => {
  const { ec2, options, connection } = context
  const subnets = subnetsIn(context)

  /** Nothing but a disagreement that nobody would notice is refused here. */
  const checkDns = async (VpcId: string, spec: SubnetSpec, self?: string): Promise<void> => {
    for (const other of await subnets.select([{ Name: 'vpc-id', Values: [VpcId] }])) {
      const wanted = tagValue(other.Tags, DNS_TAG)
      if (other.SubnetId === self || !markOf(context, other.Tags)) continue
      if ((wanted ?? '') !== spec.dnsServers.join(' ')) {
        refuse('The subnets of one network on this cloud share their DNS servers.')
      }
    }
  }

  const make = async (spec: SubnetSpec, mark: Mark): Promise<string> => {
    await checkDns(spec.network, spec)
    const tags = [...tagsFor(mark, spec.name), { Key: DNS_TAG, Value: spec.dnsServers.join(' ') }]
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({
        VpcId: spec.network,
        CidrBlock: formatCidr(parseCidr(spec.cidr)!),
        AvailabilityZone: spec.zone,
        TagSpecifications: tagged(tags, 'subnet'),
      }),
    )
    return Subnet!.SubnetId!
  }

  const realm: Realm<SubnetSpec> = markedRealm<SubnetSpec, Seen, Subnet>(connection, subnets, {
    once: 'unique',
    settleMs: options.settleMs,
    check,
    async create(spec, mark) {
      const find = async () => (await subnets.find(mark))?.id ?? null
      const id = (await find()) ?? (await orEarlier('InvalidSubnet.Conflict', () => make(spec, mark), find))
      return setUp(context, realm, id, spec)
    },
    poll: (task) => resume(realm, task),
    async update(item, spec) {
      const id = item.SubnetId ?? ''
      const Value = spec.dnsServers.join(' ')
      if ((tagValue(item.Tags, DNS_TAG) ?? '') !== Value) {
        await checkDns(item.VpcId!, spec, id)
        await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: DNS_TAG, Value }] }))
      }
      await announceDns(context, item.VpcId!, spec.dnsServers)
      await rename(context, id, item.Tags, spec.name)
      return subnets.again(id)
    },
    async remove({ SubnetId }) {
      await ec2.send(new DeleteSubnetCommand({ SubnetId }))
    },
    read: readSubnet,
  })
  return realm
}
