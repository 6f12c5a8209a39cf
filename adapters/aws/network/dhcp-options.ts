import {
  AssociateDhcpOptionsCommand,
  CreateDhcpOptionsCommand,
  DeleteDhcpOptionsCommand,
  DeleteTagsCommand,
  DescribeDhcpOptionsCommand,
  DescribeVpcsCommand,
  type DhcpOptions,
  type Filter,
} from '@aws-sdk/client-ec2'
import type { Mark } from '../../contract.ts'
import { refuse, unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { NAMESERVERS } from '../limits.ts'
import { filtersFor, OWN_KEYS, tagged, tagsFor } from '../marks.ts'
import { markOf } from '../records/reader.ts'
import { allPages } from '../wire/paging.ts'

/** EC2 takes four name servers at most. */
export const MAX_SERVERS = NAMESERVERS

const describe = ({ ec2 }: Context, Filters: Filter[]): Promise<DhcpOptions[]> =>
  allPages(async (paging) => {
    const answer = await ec2.send(new DescribeDhcpOptionsCommand({ Filters, ...paging }))
    return { items: answer.DhcpOptions ?? [], NextToken: answer.NextToken }
  })

const serversOf = (options: DhcpOptions | undefined): string[] =>
  options?.DhcpConfigurations?.find(({ Key }) => Key === 'domain-name-servers')?.Values?.flatMap(
    (v) => v.Value ?? [],
  ) ?? []

const same = (a: string[], b: string[]): boolean => a.join() === b.join()

/**
 * Makes a VPC announce `servers` by DHCP; none means the cloud's own resolver. DHCP options belong to the whole VPC
 * and cannot be edited, only replaced, so ours carry the network's mark and are found by it.
 * https://docs.aws.amazon.com/vpc/latest/userguide/DHCPOptionSetConcepts.html
 * @throws `definitive` in a VPC that is lent to us and announces something else
 */
export const announceDns = async (context: Context, VpcId: string, servers: string[]): Promise<void> => {
  const { ec2 } = context
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'vpc-id', Values: [VpcId] }] }))
  const vpc = Vpcs?.[0]
  const mark = markOf(context, vpc?.Tags)
  const current = vpc?.DhcpOptionsId ?? 'default'
  const [attached] =
    current === 'default' ? [] : await describe(context, [{ Name: 'dhcp-options-id', Values: [current] }])
  const isOurs = markOf(context, attached?.Tags) !== undefined
  if (servers.length === 0 ? !isOurs : same(serversOf(attached), servers)) return
  if (!mark) {
    return refuse('The VPC that the project is mapped to announces other DNS servers.')
  }
  let DhcpOptionsId = 'default'
  if (servers.length > 0) {
    const kept = (await describe(context, filtersFor(mark))).find((options) => same(serversOf(options), servers))
    const made = kept
      ? undefined
      : await ec2.send(
          new CreateDhcpOptionsCommand({
            DhcpConfigurations: [{ Key: 'domain-name-servers', Values: servers }],
            TagSpecifications: tagged(tagsFor(mark, ''), 'dhcp-options'),
          }),
        )
    DhcpOptionsId = (kept ?? made?.DhcpOptions)!.DhcpOptionsId!
  }
  await ec2.send(new AssociateDhcpOptionsCommand({ VpcId, DhcpOptionsId }))
  await removeDhcpOptions(context, mark, DhcpOptionsId)
}

/** Removes what `announceDns` made for a network, except what is in use. */
export const removeDhcpOptions = async (context: Context, network: Mark, except?: string): Promise<void> => {
  for (const { DhcpOptionsId } of await describe(context, filtersFor(network))) {
    if (DhcpOptionsId === except) continue
    await unlessGone(() => context.ec2.send(new DeleteDhcpOptionsCommand({ DhcpOptionsId })))
  }
}

/** What `announceDns` made for a network stays in it, as somebody else's. */
export const disownDhcpOptions = async (context: Context, network: Mark): Promise<void> => {
  const Resources = (await describe(context, filtersFor(network))).flatMap(({ DhcpOptionsId }) => DhcpOptionsId ?? [])
  if (Resources.length > 0) await context.ec2.send(new DeleteTagsCommand({ Resources, Tags: OWN_KEYS }))
}
