import {
  AssociateVpcCidrBlockCommand,
  CreateVpcCommand,
  DeleteVpcCommand,
  DescribeVpcsCommand,
  ModifyVpcAttributeCommand,
  type Vpc,
} from '@aws-sdk/client-ec2'
import { type Mark, type NetworkSpec, type Realm, reading, type Seen } from '../../contract.ts'
import { type Block, contains, cover, formatCidr, overlaps, parseCidr, widened } from '../../shared/cidr.ts'
import { exceptLent, markedRealm } from '../../shared/realm.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { BLOCKS } from '../limits.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader, rename } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'
import { disownDhcpOptions, removeDhcpOptions } from './dhcp-options.ts'
import { dropOpenGroups } from './open-group.ts'

const { widest: WIDEST, narrowest: NARROWEST } = BLOCKS

const read = (cidr: string): Block => {
  const block = parseCidr(cidr) ?? refuse(`${cidr} is not an address range.`)
  if (block.family === 6) refuse('Networks on this cloud carry IPv4 only.')
  if (block.prefix < WIDEST || block.prefix > NARROWEST) {
    refuse(`Address ranges on this cloud are /${WIDEST} to /${NARROWEST}; ${cidr} is not.`)
  }
  return block
}

/**
 * The block of a VPC that has to hold `cidrs`: the smallest one, at least `prefix` wide.
 * @throws `definitive` where EC2 has no such block
 */
export const vpcBlock = (cidrs: string[], prefix = NARROWEST): string => {
  const blocks = cidrs.map(read)
  if (blocks.length === 0) refuse('A network needs a subnet before it can be made on this cloud.')
  const block = widened(cover(blocks), prefix)
  if (block.prefix < WIDEST) refuse(`The subnets lie too far apart for one network on this cloud (/${WIDEST} at most).`)
  return formatCidr(block)
}

/**
 * The blocks to add to a VPC that has `present` so that it holds `cidrs` too: one for all if it fits between the
 * present ones, otherwise one for each.
 */
export const missingBlocks = (present: string[], cidrs: string[], prefix = NARROWEST): string[] => {
  const here = present.flatMap((cidr) => parseCidr(cidr) ?? [])
  const missing = cidrs.map(read).filter((block) => !here.some((outer) => contains(outer, block)))
  if (missing.length === 0) return []
  const free = (block: Block) => block.prefix >= WIDEST && !here.some((other) => overlaps(other, block))
  const common = cover(missing)
  for (const candidate of [widened(common, prefix), common]) if (free(candidate)) return [formatCidr(candidate)]
  return missing.map(formatCidr)
}

/** The blocks of IPv4 that a VPC has: the first, and those that were associated later. */
export const blocksOf = (vpc: Vpc): string[] => {
  const associated = (vpc.CidrBlockAssociationSet ?? [])
    .filter((block) => ['associated', 'associating'].includes(block.CidrBlockState?.State ?? 'associated'))
    .flatMap((block) => block.CidrBlock ?? [])
  return associated.length > 0 || !vpc.CidrBlock ? associated : [vpc.CidrBlock]
}

const vpcsIn = (context: Context): Reader<Vpc, Seen> =>
  reader<Vpc, Seen>(context, {
    idFilter: 'vpc-id',
    idOf: (vpc) => vpc.VpcId,
    tags: (vpc) => vpc.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeVpcsCommand({ Filters, ...paging }))
      return { items: answer.Vpcs ?? [], NextToken: answer.NextToken }
    },
    seen: (found) =>
      found.map((vpc) => ({
        id: vpc.VpcId ?? '',
        mark: markOf(context, vpc.Tags),
        name: tagValue(vpc.Tags, 'Name'),
        health: vpc.State === 'available' ? 'ready' : 'pending',
      })),
  })

/**
 * A network is a VPC. A VPC that the project's mapping names is lent to us: `create` gives it back as it is, nothing
 * about it is changed and `remove` leaves it alone.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html (no ClientToken)
 */
export const network = (context: Context): Realm<NetworkSpec> => {
  const { ec2, mapping, options, connection } = context
  const vpcs = vpcsIn(context)

  const lent = async (id: string, spec: NetworkSpec): Promise<Seen> => {
    const vpc = (await vpcs.raw(id)) ?? refuse('The VPC that the project is mapped to does not exist.')
    if (missingBlocks(blocksOf(vpc), spec.cidrs).length > 0) {
      refuse('The subnets lie outside the VPC that the project is mapped to.')
    }
    return vpcs.one(vpc)
  }

  const records = {
    ...vpcs,
    find: async (mark: Mark) => (await vpcs.find(mark)) ?? (mapping.vpc ? vpcs.get(mapping.vpc) : null),
    async remark(vpc: Vpc, mark: Mark | null) {
      if (vpc.VpcId === mapping.vpc) return
      const own = vpcs.markOf(vpc)
      if (!mark && own) await disownDhcpOptions(context, own)
      await vpcs.remark?.(vpc, mark)
    },
  }

  const realm: Realm<NetworkSpec> = markedRealm<NetworkSpec, Seen, Vpc>(connection, records, {
    once: 'none',
    settleMs: options.settleMs,
    async create(spec, mark) {
      if (mapping.vpc) return lent(mapping.vpc, spec)
      const { Vpc } = await ec2.send(
        new CreateVpcCommand({
          CidrBlock: vpcBlock(spec.cidrs, options.vpcPrefix),
          TagSpecifications: tagged(tagsFor(mark, spec.name), 'vpc'),
        }),
      )
      return setUp(context, realm, Vpc!.VpcId!, spec)
    },
    poll: (task) => resume(realm, task),
    async update(vpc, spec) {
      const { VpcId = '' } = vpc
      for (const CidrBlock of missingBlocks(blocksOf(vpc), spec.cidrs, options.vpcPrefix)) {
        await ec2.send(new AssociateVpcCidrBlockCommand({ VpcId, CidrBlock }))
      }
      await ec2.send(new ModifyVpcAttributeCommand({ VpcId, EnableDnsHostnames: { Value: true } }))
      await rename(context, VpcId, vpc.Tags, spec.name)
      return vpcs.again(VpcId)
    },
    async remove({ VpcId }, mark) {
      if (VpcId) await dropOpenGroups(context, VpcId)
      await unlessGone(() => ec2.send(new DeleteVpcCommand({ VpcId })))
      await removeDhcpOptions(context, mark)
    },
    removeRest: (mark) => removeDhcpOptions(context, mark),
    read(vpc) {
      const left = vpc.Ipv6CidrBlockAssociationSet?.length ? ['It has IPv6 addresses.'] : []
      return reading({ name: tagValue(vpc.Tags, 'Name') || vpc.VpcId || '', cidrs: blocksOf(vpc) }, { left })
    },
  })
  return exceptLent(realm, (id) => id === mapping.vpc, lent)
}
