import { DescribeSubnetsCommand, DescribeVpcsCommand } from '@aws-sdk/client-ec2'
import type { HeldRange } from '../../contract.ts'
import type { Context } from '../context.ts'
import { markOf } from '../records/reader.ts'
import { allPages } from '../wire/paging.ts'
import { blocksOf } from './network.ts'

/**
 * The blocks of all VPCs of the account that are not ours, the secondary ones and those of IPv6 too, and of the subnets that are
 * not ours, whose VPC may be.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html
 */
export const heldRanges = async (context: Context): Promise<HeldRange[]> => {
  const vpcs = await allPages(async (paging) => {
    const answer = await context.ec2.send(new DescribeVpcsCommand({ ...paging }))
    return { items: answer.Vpcs ?? [], NextToken: answer.NextToken }
  })
  const subnets = await allPages(async (paging) => {
    const answer = await context.ec2.send(new DescribeSubnetsCommand({ ...paging }))
    return { items: answer.Subnets ?? [], NextToken: answer.NextToken }
  })
  const ofSix = (set: { Ipv6CidrBlock?: string | undefined }[] | undefined) =>
    (set ?? []).flatMap(({ Ipv6CidrBlock }) => Ipv6CidrBlock || [])
  return [
    ...vpcs
      .filter((vpc) => !markOf(context, vpc.Tags))
      .flatMap((vpc) =>
        [...blocksOf(vpc), ...ofSix(vpc.Ipv6CidrBlockAssociationSet)].map((cidr) => ({
          cidr,
          network: vpc.VpcId ?? '',
          whole: true,
        })),
      ),
    ...subnets
      .filter((subnet) => !markOf(context, subnet.Tags))
      .flatMap((subnet) =>
        [...(subnet.CidrBlock ? [subnet.CidrBlock] : []), ...ofSix(subnet.Ipv6CidrBlockAssociationSet)].map((cidr) => ({
          cidr,
          network: subnet.VpcId ?? '',
          whole: false,
        })),
      ),
  ]
}
