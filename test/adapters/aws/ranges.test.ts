import { expect, it } from 'vitest'
import { aws } from '../../../adapters/aws/index.ts'
import { markTags } from '../../../adapters/aws/marks.ts'
import { connection, fake, list, tags } from './fake.ts'

const mark = { deployment: 'd1', project: 'p', kind: 'network' as const, resource: 'r', token: 't', epoch: 0 }
const tagged = (deployment: string) =>
  tags(Object.fromEntries(markTags({ ...mark, deployment }).map(({ Key, Value }) => [Key!, Value!])))
const blocks = (...all: [string, string][]) =>
  `<cidrBlockAssociationSet>${all
    .map(
      ([cidr, state]) =>
        `<item><cidrBlock>${cidr}</cidrBlock><cidrBlockState><state>${state}</state></cidrBlockState></item>`,
    )
    .join('')}</cidrBlockAssociationSet>`
const six = (cidr: string) =>
  `<ipv6CidrBlockAssociationSet><item><ipv6CidrBlock>${cidr}</ipv6CidrBlock></item></ipv6CidrBlockAssociationSet>`

const VPCS = [
  `<vpcId>vpc-theirs</vpcId><cidrBlock>10.0.0.0/16</cidrBlock>${blocks(['10.0.0.0/16', 'associated'], ['100.64.0.0/20', 'associated'], ['10.9.0.0/16', 'disassociated'])}${six('2001:db8::/56')}`,
  `<vpcId>vpc-ours</vpcId><cidrBlock>10.1.0.0/16</cidrBlock>${tagged('d1')}`,
  `<vpcId>vpc-of-another</vpcId><cidrBlock>10.2.0.0/16</cidrBlock>${tagged('d2')}`,
]
const SUBNETS = [
  `<subnetId>subnet-ours</subnetId><vpcId>vpc-ours</vpcId><cidrBlock>10.1.0.0/24</cidrBlock>${tagged('d1')}`,
  '<subnetId>subnet-theirs</subnetId><vpcId>vpc-ours</vpcId><cidrBlock>10.1.7.0/24</cidrBlock>',
]

it('tells of all blocks that are not ours, on every page', async () => {
  const cloud = fake(({ action, params }) => {
    const from = Number(params.get('NextToken') ?? 0)
    if (action === 'DescribeSubnets') return list(action, 'subnetSet', SUBNETS)
    return list(action, 'vpcSet', VPCS.slice(from, from + 2), from === 0 ? '2' : undefined)
  })
  expect(await aws.connect(connection(), cloud.surroundings).heldRanges!()).toEqual([
    { cidr: '10.0.0.0/16', network: 'vpc-theirs', whole: true },
    { cidr: '100.64.0.0/20', network: 'vpc-theirs', whole: true },
    { cidr: '2001:db8::/56', network: 'vpc-theirs', whole: true },
    { cidr: '10.2.0.0/16', network: 'vpc-of-another', whole: true },
    { cidr: '10.1.7.0/24', network: 'vpc-ours', whole: false },
  ])
  expect(cloud.actions()).toEqual(['DescribeVpcs', 'DescribeVpcs', 'DescribeSubnets'])
})
