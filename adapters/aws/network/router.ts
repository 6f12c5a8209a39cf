import {
  AssociateRouteTableCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateRouteTableCommand,
  DeleteInternetGatewayCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DeleteTagsCommand,
  DescribeInternetGatewaysCommand,
  DescribeNetworkInterfacesCommand,
  DescribeRouteTablesCommand,
  DetachInternetGatewayCommand,
  DisassociateRouteTableCommand,
  type InternetGateway,
  ReplaceRouteCommand,
  type RouteTable,
} from '@aws-sdk/client-ec2'
import { type Mark, type Realm, type RouterSpec, reading, type Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { formatCidr, parseCidr } from '../../shared/cidr.ts'
import type { Context } from '../context.ts'
import { refuse } from '../errors.ts'
import { assertOurs, filtersFor, OWN_KEYS, tagged, tagsFor, tagValue } from '../marks.ts'
import { gone, markOf, reader, rename, unlessGone } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'
import { allPages } from '../wire/paging.ts'

const DEFAULT_ROUTE = '0.0.0.0/0'

/** @throws `definitive` for what one EC2 route table cannot be */
const check = (spec: RouterSpec): string | null => {
  const networks = new Set(spec.interfaces.map((port) => port.network))
  if (networks.size > 1) refuse('A router on this cloud connects the subnets of one network only.')
  if (spec.routes.some((route) => parseCidr(route.destination)?.family !== 4)) {
    refuse('Static routes on this cloud are IPv4 address ranges.')
  }
  if (spec.routes.length > 0 && networks.size === 0) refuse('Static routes on this cloud need an interface first.')
  return spec.interfaces[0]?.network ?? null
}

/** Where a route leads: an internet gateway or the interface of a next hop. */
type Target = { GatewayId: string } | { NetworkInterfaceId: string }

/**
 * A router is an internet gateway and a route table. The gateway is the anchor: it can exist without a VPC, so it
 * carries the mark from the first call on and its id is the native id; it is attached only if the router has a
 * gateway. The route table carries the same mark and is found by it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html (no ClientToken)
 */
export const router = (context: Context): Realm<RouterSpec> => {
  const { ec2, options, connection } = context
  const gateways = reader<InternetGateway, Seen>(context, {
    idFilter: 'internet-gateway-id',
    tags: (gateway) => gateway.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await ec2.send(new DescribeInternetGatewaysCommand({ Filters, ...paging }))
      return { items: answer.InternetGateways ?? [], NextToken: answer.NextToken }
    },
    seen: (found) =>
      found.map((gateway) => ({
        id: gateway.InternetGatewayId ?? '',
        mark: markOf(context, gateway.Tags),
        name: tagValue(gateway.Tags, 'Name'),
        health: 'ready',
      })),
  })

  const tablesOf = (mark: Mark): Promise<RouteTable[]> =>
    allPages(async (paging) => {
      const answer = await ec2.send(new DescribeRouteTablesCommand({ Filters: filtersFor(mark), ...paging }))
      return { items: answer.RouteTables ?? [], NextToken: answer.NextToken }
    })

  const dropTable = async (table: RouteTable): Promise<void> => {
    for (const { RouteTableAssociationId: AssociationId } of table.Associations ?? []) {
      await unlessGone(() => ec2.send(new DisassociateRouteTableCommand({ AssociationId })))
    }
    await unlessGone(() => ec2.send(new DeleteRouteTableCommand({ RouteTableId: table.RouteTableId })))
  }

  const detach = async (gateway: InternetGateway, keep: string | null): Promise<void> => {
    for (const { VpcId } of gateway.Attachments ?? []) {
      if (VpcId === keep) continue
      const call = new DetachInternetGatewayCommand({ InternetGatewayId: gateway.InternetGatewayId, VpcId })
      try {
        await ec2.send(call)
      } catch (error) {
        // Detached by somebody in between: that is what was wanted.
        if (!(error instanceof CloudError && error.detail.cloudCode === 'Gateway.NotAttached')) throw error
      }
    }
  }

  /** The gateway that a VPC's default route leads to: one that is attached already, otherwise ours, attached now. */
  const attach = async (gateway: InternetGateway, VpcId: string): Promise<string> => {
    const InternetGatewayId = gateway.InternetGatewayId!
    const [present] = await gateways.select([{ Name: 'attachment.vpc-id', Values: [VpcId] }])
    if (present && present.InternetGatewayId !== InternetGatewayId && markOf(context, present.Tags)) {
      refuse('Another router is the gateway of this network already; this cloud allows one.')
    }
    if (!present) await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId }))
    return present?.InternetGatewayId ?? InternetGatewayId
  }

  /** EC2 routes lead to interfaces, Neutron's to addresses. */
  const hop = async (VpcId: string, address: string): Promise<Target> => {
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

  const associate = async (table: RouteTable, subnets: string[]): Promise<void> => {
    const present = (table.Associations ?? []).filter((item) => item.SubnetId)
    for (const { SubnetId, RouteTableAssociationId: AssociationId } of present) {
      if (subnets.includes(SubnetId!)) continue
      await unlessGone(() => ec2.send(new DisassociateRouteTableCommand({ AssociationId })))
    }
    for (const SubnetId of subnets.filter((id) => !present.some((item) => item.SubnetId === id))) {
      await ec2.send(new AssociateRouteTableCommand({ RouteTableId: table.RouteTableId, SubnetId }))
    }
  }

  const route = async (table: RouteTable, wanted: Map<string, Target>): Promise<void> => {
    const RouteTableId = table.RouteTableId
    const present = (table.Routes ?? []).filter((item) => item.DestinationCidrBlock && item.GatewayId !== 'local')
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

  const update = async (id: string, spec: RouterSpec): Promise<Seen> => {
    const vpc = check(spec)
    const gateway = await gateways.raw(id)
    if (!gateway) throw gone(id)
    assertOurs(gateway.Tags, connection.deployment)
    const mark = markOf(context, gateway.Tags)!
    const tables = await tablesOf(mark)
    const [kept, ...spare] = tables.filter((item) => item.VpcId === vpc)
    for (const table of [...tables.filter((item) => item.VpcId !== vpc), ...spare]) await dropTable(table)
    await rename(context, id, gateway.Tags, spec.name)
    // First of all: a gateway is attached to one VPC at most.
    await detach(gateway, spec.gateway ? vpc : null)
    if (vpc === null) return gateways.again(id)
    // Without a ClientToken: a table that was dropped has to be made again. Twins of a lost answer go by the next update.
    const table =
      kept ??
      (
        await ec2.send(
          new CreateRouteTableCommand({
            VpcId: vpc,
            TagSpecifications: tagged(tagsFor(mark, spec.name), 'route-table'),
          }),
        )
      ).RouteTable!
    const wanted = new Map<string, Target>()
    if (spec.gateway) wanted.set(DEFAULT_ROUTE, { GatewayId: await attach(gateway, vpc) })
    for (const { destination, nexthop } of spec.routes) {
      wanted.set(formatCidr(parseCidr(destination)!), await hop(vpc, nexthop))
    }
    await associate(
      table,
      spec.interfaces.map((port) => port.subnet),
    )
    await route(table, wanted)
    return gateways.again(id)
  }

  const steps = { get: gateways.get, update }
  return {
    once: 'none',
    settleMs: options.settleMs,
    find: gateways.find,
    get: gateways.get,
    list: gateways.list,
    /** Our own only: a gateway and a route table of somebody else make no router. */
    async mark(id, mark) {
      const gateway = await gateways.raw(id)
      const own = markOf(context, gateway?.Tags)
      if (mark) return assertOurs(gateway?.Tags, connection.deployment, mark)
      if (!own) return
      // The gateway last: a call that is lost in between is found again by its mark.
      const Resources = [...(await tablesOf(own)).flatMap(({ RouteTableId }) => RouteTableId ?? [])]
      if (Resources.length > 0) await ec2.send(new DeleteTagsCommand({ Resources, Tags: OWN_KEYS }))
      await gateways.mark(id, null)
    },
    async read(id) {
      const gateway = await gateways.raw(id)
      if (!gateway) return null
      const own = markOf(context, gateway.Tags) ?? refuse('Only a router that was made here can be read as one.')
      const [table] = await tablesOf(own)
      const network = table?.VpcId ?? ''
      const wanted = (table?.Routes ?? []).filter((item) => item.DestinationCidrBlock && item.GatewayId !== 'local')
      const interfaces = (table?.Associations ?? []).flatMap(({ SubnetId }) =>
        SubnetId ? [{ network, subnet: SubnetId }] : [],
      )
      const lost = wanted
        .filter(({ GatewayId }) => !GatewayId)
        .map(({ DestinationCidrBlock }) => `The next hop of ${DestinationCidrBlock} is an interface.`)
      const name = tagValue(gateway.Tags, 'Name') || id
      const out = wanted.some((item) => item.DestinationCidrBlock === DEFAULT_ROUTE && item.GatewayId)
      return reading({ name, gateway: out, interfaces, routes: [] }, { lost })
    },
    update,
    poll: resume(steps),
    async create(spec, mark) {
      check(spec)
      const { InternetGateway } = await ec2.send(
        new CreateInternetGatewayCommand({ TagSpecifications: tagged(tagsFor(mark, spec.name), 'internet-gateway') }),
      )
      return setUp(context, steps, InternetGateway!.InternetGatewayId!, spec)
    },
    async remove(id, mark) {
      const gateway = await gateways.ours(id, mark)
      // By the gateway's own mark: its route table carries the same token.
      for (const table of await tablesOf(markOf(context, gateway?.Tags) ?? mark)) await dropTable(table)
      if (!gateway) return
      await detach(gateway, null)
      await unlessGone(() => ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id })))
    },
  }
}
