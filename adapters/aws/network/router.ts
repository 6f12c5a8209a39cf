import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  DeleteInternetGatewayCommand,
  DescribeInternetGatewaysCommand,
  DetachInternetGatewayCommand,
  type InternetGateway,
} from '@aws-sdk/client-ec2'
import { type Mark, type Reading, type Realm, type RouterSpec, reading, type Seen } from '../../contract.ts'
import { CloudError } from '../../errors.ts'
import { formatCidr, parseCidr } from '../../shared/cidr.ts'
import { assertOurs } from '../../shared/marks.ts'
import { markedRealm } from '../../shared/realm.ts'
import { refuse } from '../../shared/refusals.ts'
import type { Context } from '../context.ts'
import { tagged, tagsFor, tagValue } from '../marks.ts'
import { markOf, type Reader, reader, rename } from '../records/reader.ts'
import { resume, setUp } from '../records/steps.ts'
import {
  associate,
  disownTables,
  dropTable,
  hop,
  makeTable,
  route,
  routesIn,
  type Target,
  tablesOf,
} from './route-table.ts'

const DEFAULT_ROUTE = '0.0.0.0/0'

/** The one VPC of its interfaces; null: it has none. @throws `definitive` for what one EC2 route table cannot be */
const vpcOf = (spec: RouterSpec): string | null => {
  const networks = new Set(spec.interfaces.map((port) => port.network))
  if (networks.size > 1) refuse('A router on this cloud connects the subnets of one network only.')
  if (spec.routes.some((each) => parseCidr(each.destination)?.family !== 4)) {
    refuse('Static routes on this cloud are IPv4 address ranges.')
  }
  if (spec.routes.length > 0 && networks.size === 0) refuse('Static routes on this cloud need an interface first.')
  return spec.interfaces[0]?.network ?? null
}

const gatewaysIn = (context: Context): Reader<InternetGateway, Seen> =>
  reader<InternetGateway, Seen>(context, {
    idFilter: 'internet-gateway-id',
    idOf: (gateway) => gateway.InternetGatewayId,
    tags: (gateway) => gateway.Tags,
    describe: (Filters) => async (paging) => {
      const answer = await context.ec2.send(new DescribeInternetGatewaysCommand({ Filters, ...paging }))
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

const detach = async ({ ec2 }: Context, gateway: InternetGateway, keep: string | null): Promise<void> => {
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
const attach = async (context: Context, gateway: InternetGateway, VpcId: string): Promise<string> => {
  const InternetGatewayId = gateway.InternetGatewayId!
  const [present] = await gatewaysIn(context).select([{ Name: 'attachment.vpc-id', Values: [VpcId] }])
  if (present && present.InternetGatewayId !== InternetGatewayId && markOf(context, present.Tags)) {
    refuse('Another router is the gateway of this network already; this cloud allows one.')
  }
  if (!present) await context.ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId }))
  return present?.InternetGatewayId ?? InternetGatewayId
}

/** Makes a router's gateway and route table what the spec says. */
const connect = async (context: Context, gateway: InternetGateway, spec: RouterSpec): Promise<void> => {
  const vpc = vpcOf(spec)
  const mark = markOf(context, gateway.Tags)!
  const tables = await tablesOf(context, mark)
  const [kept, ...spare] = tables.filter((item) => item.VpcId === vpc)
  for (const table of [...tables.filter((item) => item.VpcId !== vpc), ...spare]) await dropTable(context, table)
  await rename(context, gateway.InternetGatewayId ?? '', gateway.Tags, spec.name)
  // First of all: a gateway is attached to one VPC at most.
  await detach(context, gateway, spec.gateway ? vpc : null)
  if (vpc === null) return
  // Without a ClientToken: a table that was dropped has to be made again. Twins of a lost answer go by the next update.
  const table = kept ?? (await makeTable(context, vpc, mark, spec.name))
  const wanted = new Map<string, Target>()
  if (spec.gateway) wanted.set(DEFAULT_ROUTE, { GatewayId: await attach(context, gateway, vpc) })
  for (const { destination, nexthop } of spec.routes) {
    wanted.set(formatCidr(parseCidr(destination)!), await hop(context, vpc, nexthop))
  }
  const subnets = spec.interfaces.map((port) => port.subnet)
  await associate(context, table, subnets)
  await route(context, table, wanted)
}

/** A router as it would have been asked for. @throws `definitive` for a gateway that is no router of ours */
const readRouter = async (context: Context, gateway: InternetGateway): Promise<Reading<RouterSpec>> => {
  const own = markOf(context, gateway.Tags) ?? refuse('Only a router that was made here can be read as one.')
  const [table] = await tablesOf(context, own)
  const network = table?.VpcId ?? ''
  const wanted = routesIn(table)
  const interfaces = (table?.Associations ?? []).flatMap(({ SubnetId }) =>
    SubnetId ? [{ network, subnet: SubnetId }] : [],
  )
  const lost = wanted
    .filter(({ GatewayId }) => !GatewayId)
    .map(({ DestinationCidrBlock }) => `The next hop of ${DestinationCidrBlock} is an interface.`)
  const name = tagValue(gateway.Tags, 'Name') || gateway.InternetGatewayId || ''
  const out = wanted.some((item) => item.DestinationCidrBlock === DEFAULT_ROUTE && item.GatewayId)
  return reading({ name, gateway: out, interfaces, routes: [] }, { lost })
}

/**
 * A router is an internet gateway and a route table. The gateway is the anchor: it can exist without a VPC, so it
 * carries the mark from the first call on and its id is the native id; it is attached only if the router has a
 * gateway. The route table carries the same mark and is found by it.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html (no ClientToken)
 */
export const router = (context: Context): Realm<RouterSpec> => {
  const { ec2, options, connection } = context
  const gateways = gatewaysIn(context)
  const dropTables = async (mark: Mark): Promise<void> => {
    for (const table of await tablesOf(context, mark)) await dropTable(context, table)
  }
  const records = {
    ...gateways,
    /** Our own only: a gateway and a route table of somebody else make no router. */
    async remark(gateway: InternetGateway, mark: Mark | null) {
      const own = markOf(context, gateway.Tags)
      if (mark || !own) return assertOurs(own, connection.deployment, mark ?? undefined)
      // The gateway last: a call that is lost in between is found again by its mark.
      await disownTables(context, own)
      await gateways.remark?.(gateway, null)
    },
  }
  const realm: Realm<RouterSpec> = markedRealm<RouterSpec, Seen, InternetGateway>(connection, records, {
    once: 'none',
    settleMs: options.settleMs,
    check: (spec) => void vpcOf(spec),
    async create(spec, mark) {
      const { InternetGateway } = await ec2.send(
        new CreateInternetGatewayCommand({ TagSpecifications: tagged(tagsFor(mark, spec.name), 'internet-gateway') }),
      )
      return setUp(context, realm, InternetGateway!.InternetGatewayId!, spec)
    },
    poll: (task) => resume(realm, task),
    async update(gateway, spec) {
      await connect(context, gateway, spec)
      return gateways.again(gateway.InternetGatewayId ?? '')
    },
    async remove(gateway, mark) {
      // By the gateway's own mark: its route table carries the same token.
      await dropTables(markOf(context, gateway.Tags) ?? mark)
      await detach(context, gateway, null)
      await ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: gateway.InternetGatewayId }))
    },
    removeRest: dropTables,
    read: (gateway) => readRouter(context, gateway),
  })
  return realm
}
