import {
  AssociateRouteTableCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DeleteTagsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DisassociateRouteTableCommand,
  ReplaceRouteCommand,
  type Route,
  type RouteTable,
} from '@aws-sdk/client-ec2'
import type { Mark } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { unlessGone } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { filtersFor, OWN_KEYS, tagged, tagsFor } from '../marks.ts'
import { allPages } from '../wire/paging.ts'

/** Where a route leads: an internet gateway or the interface of a next hop. */
export type Target = { GatewayId: string } | { NetworkInterfaceId: string }

/** The route tables of a router, which carry its mark. It has one, and for a moment more. */
export const tablesOf = ({ ec2 }: Context, mark: Mark): Promise<RouteTable[]> =>
  allPages(async (paging) => {
    const answer = await ec2.send(new DescribeRouteTablesCommand({ Filters: filtersFor(mark), ...paging }))
    return { items: answer.RouteTables ?? [], NextToken: answer.NextToken }
  })

/** Routes that somebody asked for: not the one within the VPC, which comes with every table. */
export const routesIn = (table: RouteTable | undefined): Route[] =>
  (table?.Routes ?? []).filter((item) => item.DestinationCidrBlock && item.GatewayId !== 'local')

/**
 * Makes a table in a VPC.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html
 */
export const makeTable = async ({ ec2 }: Context, VpcId: string, mark: Mark, name: string): Promise<RouteTable> => {
  const TagSpecifications = tagged(tagsFor(mark, name), 'route-table')
  return (await ec2.send(new CreateRouteTableCommand({ VpcId, TagSpecifications }))).RouteTable!
}

/** Removes a table, whatever is associated with it. */
export const dropTable = async ({ ec2 }: Context, table: RouteTable): Promise<void> => {
  for (const { RouteTableAssociationId: AssociationId } of table.Associations ?? []) {
    await unlessGone(() => ec2.send(new DisassociateRouteTableCommand({ AssociationId })))
  }
  await unlessGone(() => ec2.send(new DeleteRouteTableCommand({ RouteTableId: table.RouteTableId })))
}

/** The tables of a router stay, as somebody else's. */
export const disownTables = async (context: Context, router: Mark): Promise<void> => {
  const Resources = (await tablesOf(context, router)).flatMap(({ RouteTableId }) => RouteTableId ?? [])
  if (Resources.length > 0) await context.ec2.send(new DeleteTagsCommand({ Resources, Tags: OWN_KEYS }))
}

/** EC2 routes lead to interfaces, Neutron's to addresses. @throws `conflict` while no port has the address */
export const hop = async ({ ec2 }: Context, VpcId: string, address: string): Promise<Target> => {
  const { NetworkInterfaces } = await ec2.send(
    new DescribeNetworkInterfacesCommand({
      Filters: [
        { Name: 'vpc-id', Values: [VpcId] },
        { Name: 'addresses.private-ip-address', Values: [address] },
      ],
    }),
  )
  const NetworkInterfaceId = NetworkInterfaces?.[0]?.NetworkInterfaceId
  if (NetworkInterfaceId) return { NetworkInterfaceId }
  throw new CloudError('conflict', `The next hop ${address} is no port of this network yet.`)
}

/** Makes a table that of exactly these subnets. */
export const associate = async ({ ec2 }: Context, table: RouteTable, subnets: string[]): Promise<void> => {
  const present = (table.Associations ?? []).filter((item) => item.SubnetId)
  for (const { SubnetId, RouteTableAssociationId: AssociationId } of present) {
    if (subnets.includes(SubnetId!)) continue
    await unlessGone(() => ec2.send(new DisassociateRouteTableCommand({ AssociationId })))
  }
  for (const SubnetId of subnets.filter((id) => !present.some((item) => item.SubnetId === id))) {
    await ec2.send(new AssociateRouteTableCommand({ RouteTableId: table.RouteTableId, SubnetId }))
  }
}

/** Makes the routes of a table exactly these, by destination. */
export const route = async ({ ec2 }: Context, table: RouteTable, wanted: Map<string, Target>): Promise<void> => {
  const { RouteTableId } = table
  const present = routesIn(table)
  for (const { DestinationCidrBlock } of present) {
    if (wanted.has(DestinationCidrBlock!)) continue
    await unlessGone(() => ec2.send(new DeleteRouteCommand({ RouteTableId, DestinationCidrBlock })))
  }
  for (const [DestinationCidrBlock, target] of wanted) {
    const old = present.find((item) => item.DestinationCidrBlock === DestinationCidrBlock)
    const input = { RouteTableId, DestinationCidrBlock, ...target }
    if (!old) await ec2.send(new CreateRouteCommand(input))
    else if ((old.NetworkInterfaceId ?? old.GatewayId) !== Object.values(target)[0]) {
      await ec2.send(new ReplaceRouteCommand(input))
    }
  }
}
