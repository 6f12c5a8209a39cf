import type { Adapter } from '../../../adapters/contract.ts'
import type { NetworkRow } from '../../../db/queries/network/network.ts'
import { type AddressPair, allowPairs, forgetPairs, type PortRow } from '../../../db/queries/network/ports.ts'
import type { Context } from '../../context.ts'
import { adapterOf } from '../clouds/adapter.ts'
import type { Write } from '../line/commit.ts'
import { readIp } from './address.ts'
import type { Known } from './ground.ts'
import { conflicting, invalid, NetworkRefused } from './network-refusal.ts'
import { refuseLooseOnWire } from './segments/wire.ts'

/* Allowed address pairs: https://docs.openstack.org/api-ref/network/v2/#allowed-address-pairs */

/** As many as Neutron lets one port have unless it is told otherwise (`max_allowed_address_pair`). */
export const MOST_PAIRS = 10

/** The same of a pair whose MAC address is the port's own: that stays so, whatever a cloud makes of it. */
const asKept = (pairs: AddressPair[], mac: string): AddressPair[] =>
  pairs.map((pair) => (pair.mac === mac ? { ...pair, mac: '' } : pair))

/** Pairs are for the owner of the network to allow, and for administrators (neutron/conf/policies/port.py). */
const refuseForeign = ({ scope }: Context, verb: 'create' | 'update', { projectId }: Pick<NetworkRow, 'projectId'>) => {
  if ('every' in scope || scope.projectId === projectId) return
  const reason = `rule:${verb}_port:allowed_address_pairs is disallowed by policy`
  throw new NetworkRefused({ kind: 'forbidden', type: 'PolicyNotAuthorized', reason })
}

/** Without port security nobody looks whose address it is, so there is nothing to allow (neutron_lib/exceptions/allowedaddresspairs.py). */
const unsecured = (more = '') =>
  conflicting(
    'AddressPairAndPortSecurityRequired',
    `Port Security must be enabled in order to have allowed address pairs on a port.${more}`,
  )

/**
 * What of a port's pairs a cloud cannot keep to, as the rest of a sentence that begins with its name; null: it keeps to all. That it
 * takes none at all is `port.address_pairs` of what it lacks.
 */
export const beyondPairs = ({ limits }: Pick<Adapter, 'limits'>, pairs: AddressPair[]): string | null => {
  const { pairs: takes } = limits.port
  const version = pairs.map(({ address }) => readIp(address.split('/')[0]!)?.version).find((each) => each === 6)
  if (version && takes && !takes.families.includes(version)) return `lets no IPv${version} pass a port`
  const foreign = pairs.find(({ mac }) => mac !== '')
  return foreign && takes?.macs === 'own'
    ? `sends from the own MAC address of a port alone, and a pair names ${foreign.mac}`
    : null
}

/** Why a cloud cannot have a port with these pairs, as a sentence; null: it can. Where it is trusted to filter it is not asked. */
export const whyUnpaired = (
  { name, adapter }: { name: string; adapter: Pick<Adapter, 'lacks' | 'limits'> },
  filters: PortRow['filters'],
  pairs: AddressPair[],
): string | null => {
  if (filters === 'trusted') return null
  const beyond = beyondPairs(adapter, pairs)
  return adapter.lacks['port.address_pairs'] ?? (beyond && `Cloud ${name} ${beyond}.`)
}

interface Wish {
  pairs: AddressPair[] | undefined
  verb: 'create' | 'update'
  network: NetworkRow
  /** What is in force once it is done. */
  port: Pick<PortRow, 'projectId' | 'macAddress' | 'portSecurity' | 'filters'> & { addressPairs: AddressPair[] }
  cloudId: string | null
}

/** The pairs that a port is to have; refused where they cannot be, or where its cloud cannot keep to them. */
export const plannedPairs = async (
  context: Context,
  among: Pick<Known, 'clouds' | 'segments' | 'terms'>,
  { pairs: asked, verb, network, port, cloudId }: Wish,
): Promise<AddressPair[]> => {
  if (asked !== undefined) refuseForeign(context, verb, network)
  if (asked?.length)
    refuseLooseOnWire(context, among, {
      networkId: network.id,
      projectId: port.projectId,
      rule: `${verb}_port:allowed_address_pairs`,
    })
  const pairs = asKept(asked ?? port.addressPairs, port.macAddress)
  if (!pairs.length) return []
  const known = new Set<string>()
  for (const { address, mac } of pairs) {
    if (known.size === known.add(`${address} ${mac}`).size)
      throw invalid(
        'DuplicateAddressPairInRequest',
        `Request contains duplicate address pair: mac_address ${mac || port.macAddress} ip_address ${address}.`,
      )
  }
  const cloud = await adapterOf(among, cloudId)
  const lack = cloud?.adapter.lacks['port.address_pairs']
  if (!port.portSecurity || port.filters === 'none') throw unsecured(lack && ` ${lack}`)
  const why = cloud && whyUnpaired(cloud, port.filters, pairs)
  if (why) throw conflicting('AddressPairsNotSupported', why)
  return pairs
}

/** Lets a port that is there speak with these addresses, and with no others. */
export const writePairs = ({ db }: Context, portId: string, pairs: AddressPair[]): Write[] =>
  pairs.length ? [allowPairs(db, portId, pairs)] : []

/** The same in place of those that it had. */
export const rewritePairs = (context: Context, portId: string, pairs: AddressPair[]): Write[] => [
  forgetPairs(context.db, portId),
  ...writePairs(context, portId, pairs),
]
