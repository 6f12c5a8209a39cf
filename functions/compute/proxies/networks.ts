import { listNetworks, type NetworkView, networkById } from '../../../db/queries/network/network.ts'
import { everything } from '../../../db/queries/network/network-listing.ts'
import { notFound } from '../../http/fault.ts'
import { type Input, type Operation, operation } from '../../http/operation.ts'
import { LAST } from './listing.ts'

/* nova/api/openstack/compute/networks.py and tenant_networks.py: a name and nothing else is known where Neutron has the rest. */

const UNKNOWN = [
  'cidr',
  'netmask',
  'gateway',
  'broadcast',
  'dns1',
  'dns2',
  'cidr_v6',
  'gateway_v6',
  'netmask_v6',
] as const
const UNKNOWN_TO_ADMINS = [
  'created_at',
  'updated_at',
  'deleted_at',
  'deleted',
  'injected',
  'bridge',
  'vlan',
  'vpn_public_address',
  'vpn_public_port',
  'vpn_private_address',
  'dhcp_start',
  'project_id',
  'host',
  'bridge_interface',
  'multi_host',
  'priority',
  'rxtx_base',
  'mtu',
  'dhcp_server',
  'enable_dhcp',
  'share_address',
] as const

type View = (network: NetworkView, input: Input) => Record<string, unknown>

const view: View = ({ id, name }, { context }) => {
  const unknown = context.caller?.isAdmin ? [...UNKNOWN, ...UNKNOWN_TO_ADMINS] : UNKNOWN
  return { ...Object.fromEntries(unknown.map((field) => [field, null])), id, label: name }
}

/** The word `None`, as it always was. */
const tenantView: View = ({ id, name }) => ({ id, cidr: 'None', label: name })

const reading = (path: string, name: string, view: View, what: string): Operation[] => [
  operation({
    name: `${name}.list`,
    method: 'GET',
    path,
    who: 'reader',
    summary: `Ids and names of ${what}; the network service knows more.`,
    status: 200,
    until: LAST,
    handle: async (input) => {
      const networks = await listNetworks(input.context.db, input.context.scope, everything)
      return { body: { networks: networks.map((network) => view(network, input)) } }
    },
  }),
  operation({
    name: `${name}.show`,
    method: 'GET',
    path: `${path}/:id`,
    who: 'reader',
    summary: 'Id and name of one network.',
    status: 200,
    until: LAST,
    handle: async (input) => {
      const network = await networkById(input.context.db, input.context.scope, input.params.id!)
      if (!network) throw notFound('Network not found')
      return { body: { network: view(network, input) } }
    },
  }),
]

/** https://docs.openstack.org/api-ref/compute/#networks-os-networks-deprecated */
export const networkOperations: Operation[] = [
  ...reading('/os-networks', 'network', view, 'the networks that the project sees'),
  ...reading('/os-tenant-networks', 'tenant_network', tenantView, 'the networks that the project sees'),
]
